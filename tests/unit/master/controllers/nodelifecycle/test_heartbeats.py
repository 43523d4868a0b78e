"""Silence, by the listener's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc

from master.controllers.nodelifecycle.heartbeats import Connection, Heartbeats
from podlab.coordination.v1 import lease_pb2

Builder = Callable[..., Any]


def lease(seconds: int) -> lease_pb2.Lease:
    made = lease_pb2.Lease()
    made.spec.renewTime.seconds = seconds
    return made


def test_silence_begins_when_a_heartbeat_was_seen_whatever_the_nodes_clock_says(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(9_999_999), now=100)
    heartbeats.observe(one, lease(9_999_999), now=130)
    assert heartbeats.silence_s(one, 0, now=130) == 30
    heartbeats.observe(one, lease(1), now=131)
    assert heartbeats.silence_s(one, 0, now=132) == 1


def test_a_status_that_was_posted_is_a_heartbeat_too(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, None, now=100)
    one.status.conditions[0].lastHeartbeatTime.seconds = 5
    heartbeats.observe(one, None, now=120)
    assert heartbeats.silence_s(one, 0, now=121) == 1


def test_silence_counts_only_while_the_api_server_can_be_heard(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(1), now=100)
    assert heartbeats.silence_s(one, connected_since=190, now=200) == 10
    assert heartbeats.silence_s(one, connected_since=float("inf"), now=200) < 0


def test_a_node_that_comes_again_starts_anew(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(1), now=100)
    heartbeats.forget(one)
    heartbeats.observe(one, lease(1), now=150)
    assert heartbeats.silence_s(one, 0, now=151) == 1


class FakeChannel:
    """A channel whose state the test sets."""

    def __init__(self) -> None:
        self.state = grpc.ChannelConnectivity.CONNECTING
        self._changed = asyncio.Condition()

    def get_state(self) -> grpc.ChannelConnectivity:
        return self.state

    async def wait_for_state_change(self, last: grpc.ChannelConnectivity) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.state is not last)

    async def become(self, state: grpc.ChannelConnectivity) -> None:
        async with self._changed:
            self.state = state
            self._changed.notify_all()
        for _ in range(5):  # let the follower take it in
            await asyncio.sleep(0)


async def test_the_time_of_connection_starts_anew_after_every_break() -> None:
    channel, now = FakeChannel(), [100.0]
    connection = Connection(cast(Any, channel), lambda: now[0])
    following = asyncio.create_task(connection.run())
    await channel.become(grpc.ChannelConnectivity.READY)
    assert connection.since == 100
    await channel.become(grpc.ChannelConnectivity.TRANSIENT_FAILURE)
    assert connection.since == float("inf")
    now[0] = 160
    await channel.become(grpc.ChannelConnectivity.READY)
    assert connection.since == 160
    following.cancel()
