"""Lists and watches, against a real server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from master.apiserver.rpc import service
from podlab.client.client import Client, WatchEvent
from podlab.client.informer import Informer
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import BadRequest, Expired, ServiceUnavailable
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

pytestmark = pytest.mark.parametrize("backend", ["sqlite", "etcd"])

Pods = Callable[..., pod_pb2.Pod]
ConfigMaps = Callable[..., config_pb2.ConfigMap]


def page(admin: Client, **request: Any) -> Any:
    stub = apiserver_pb2_grpc.ApiServerStub(admin.channel)
    more = request.pop("rest", "")
    asked = apiserver_pb2.ListRequest(kind="ConfigMap", namespace="default", **request)
    setattr(asked, "continue", more)
    return stub.List(asked)


async def take(watch: AsyncIterator[Sequence[WatchEvent[Any]]], count: int) -> list[tuple[str, str]]:
    """The next `count` events, bookmarks apart."""
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(WITHIN_S):
        async for batch in watch:
            seen += [(event.type, event.object.metadata.name) for event in batch if event.object is not None]
            if len(seen) >= count:
                return seen
    return seen


async def test_selectors_pick_what_matches(admin: Client, pod: Pods) -> None:
    await admin.create(pod("a", app="web"))
    await admin.create(pod("b", app="db", node="n1"))
    await admin.create(pod("c", "kube-system", node="n1"))
    listed = await admin.list(pod_pb2.Pod, "default")
    assert [one.metadata.name for one in listed.items] == ["a", "b"]
    assert [one.metadata.name for one in (await admin.list(pod_pb2.Pod, label_selector="app=web")).items] == ["a"]
    on_n1 = await admin.list(pod_pb2.Pod, field_selector="spec.nodeName=n1")
    assert [one.metadata.name for one in on_n1.items] == ["b", "c"]
    with pytest.raises(BadRequest, match="field label not supported"):
        await admin.list(pod_pb2.Pod, field_selector="spec.colour=blue")


async def test_pages_are_of_one_snapshot_whatever_happens_between_them(admin: Client, config_map: ConfigMaps) -> None:
    for number in range(5):
        await admin.create(config_map(f"c{number}"))
    first = await page(admin, limit=2)
    assert first.metadata.remainingItemCount == 3
    await admin.delete(config_pb2.ConfigMap, "c3", "default")
    await admin.create(config_map("c2a"))
    second = await page(admin, limit=2, rest=getattr(first.metadata, "continue"))
    third = await page(admin, limit=2, rest=getattr(second.metadata, "continue"))
    names = [item.config_map.metadata.name for one in (first, second, third) for item in one.items]
    assert names == ["c0", "c1", "c2", "c3", "c4"]
    assert first.metadata.resourceVersion == third.metadata.resourceVersion
    assert not getattr(third.metadata, "continue")


async def test_a_continue_token_that_is_none_is_refused(admin: Client) -> None:
    with pytest.raises(Exception, match="not a token"):
        await page(admin, rest="!!")


async def test_a_page_stays_below_what_clients_take(admin: Client, config_map: ConfigMaps) -> None:
    for number in range(8):
        await admin.create(config_map(f"c{number}", filling="x" * 900_000))
    listed = await admin.list(config_pb2.ConfigMap, "default")
    assert len(listed.items) == 8


async def test_a_watch_tells_every_change_after_its_revision(admin: Client, config_map: ConfigMaps) -> None:
    start = (await admin.list(config_pb2.ConfigMap)).resource_version
    created = await admin.create(config_map("a"))
    created.data["x"] = "y"
    await admin.update(created)
    await admin.delete(config_pb2.ConfigMap, "a", "default")
    async with aclosing(admin.watch(config_pb2.ConfigMap, start)) as watch:
        assert await take(watch, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_deletion_carries_the_last_state_at_its_own_revision(admin: Client, config_map: ConfigMaps) -> None:
    created = await admin.create(config_map("a", colour="blue"))
    await admin.delete(config_pb2.ConfigMap, "a", "default")
    async with aclosing(admin.watch(config_pb2.ConfigMap, created.metadata.resourceVersion)) as watch:
        batch = await anext(watch)
    assert batch[0].object is not None
    assert dict(batch[0].object.data) == {"colour": "blue"}
    assert int(batch[0].resource_version) > int(created.metadata.resourceVersion)


async def test_without_a_revision_a_watch_begins_with_what_is_there(admin: Client, config_map: ConfigMaps) -> None:
    await admin.create(config_map("a"))
    async with aclosing(admin.watch(config_pb2.ConfigMap, "", namespace="default")) as watch:
        assert await take(watch, 1) == [("ADDED", "a")]
        assert (await anext(watch))[0].type == "BOOKMARK"
        await admin.create(config_map("b"))
        assert await take(watch, 1) == [("ADDED", "b")]


async def test_coming_into_a_selector_is_added_and_leaving_it_deleted(admin: Client, pod: Pods) -> None:
    start = (await admin.list(pod_pb2.Pod)).resource_version
    created = await admin.create(pod("a", app="db"))
    created.metadata.labels["app"] = "web"
    created = await admin.update(created)
    created.metadata.labels["tier"] = "front"
    created = await admin.update(created)
    created.metadata.labels["app"] = "db"
    await admin.update(created)
    async with aclosing(admin.watch(pod_pb2.Pod, start, label_selector="app=web")) as watch:
        assert await take(watch, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_bound_pod_comes_into_sight_of_its_node(admin: Client, pod: Pods) -> None:
    start = (await admin.list(pod_pb2.Pod)).resource_version
    await admin.create(pod("a"))
    await admin.bind([apiserver_pb2.Binding(namespace="default", name="a", node_name="n1")])
    async with aclosing(admin.watch(pod_pb2.Pod, start, field_selector="spec.nodeName=n1")) as watch:
        assert await take(watch, 1) == [("ADDED", "a")]


async def test_a_revision_that_is_gone_or_ahead_is_expired(admin: Client) -> None:
    for revision in ("999999",):
        with pytest.raises(Expired):
            async with aclosing(admin.watch(config_pb2.ConfigMap, revision)) as watch:
                await anext(watch)
    with pytest.raises(BadRequest):
        async with aclosing(admin.watch(config_pb2.ConfigMap, "yesterday")) as watch:
            await anext(watch)


async def test_a_watch_goes_on_where_it_was_after_a_restart(
    cluster: Cluster, admin: Client, config_map: ConfigMaps
) -> None:
    start = (await admin.list(config_pb2.ConfigMap)).resource_version
    await admin.create(config_map("before"))
    await cluster.stop()
    await cluster.start()
    client = await cluster.client()
    await client.create(config_map("after"))
    async with aclosing(client.watch(config_pb2.ConfigMap, start)) as watch:
        assert await take(watch, 2) == [("ADDED", "before"), ("ADDED", "after")]


async def test_an_informer_outlives_a_restart(cluster: Cluster, admin: Client, config_map: ConfigMaps) -> None:
    informer = Informer(admin, config_pb2.ConfigMap)
    changed = asyncio.Event()
    informer.on_change(lambda change: changed.set() if change.key.name == "after" else None)
    running = asyncio.create_task(informer.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            await informer.synced.wait()
            await cluster.stop()
            await cluster.start()
            client = await cluster.client()
            await client.create(config_map("after"))
            await changed.wait()
        assert informer.get("after", "default") is not None
    finally:
        running.cancel()


async def test_an_outage_is_told_once_and_ended_once(
    cluster: Cluster, admin: Client, config_map: ConfigMaps, pod: Pods, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "podlab.client")
    informers: list[Informer[Any]] = [Informer(admin, config_pb2.ConfigMap), Informer(admin, pod_pb2.Pod)]
    changed = [asyncio.Event(), asyncio.Event()]
    for informer, event in zip(informers, changed, strict=True):
        informer.on_change(lambda change, event=event: event.set() if change.key.name == "new" else None)
    running = [asyncio.create_task(informer.run()) for informer in informers]
    try:
        async with asyncio.timeout(WITHIN_S):
            for informer in informers:
                await informer.synced.wait()
            await cluster.stop()
            assert not await admin.connected(1.0)
            await cluster.start()
            client = await cluster.client()
            await asyncio.gather(client.create(config_map("new")), client.create(pod("new")))
            for event in changed:
                await event.wait()
        told = [message.split(": ")[0] for message in caplog.messages if "cannot reach" in message]
        assert told == [f"cannot reach the API server at {cluster.server}"] * 2
    finally:
        for task in running:
            task.cancel()


async def test_a_call_works_soon_after_the_server_is_back(cluster: Cluster, admin: Client) -> None:
    await admin.version()
    await cluster.stop()
    assert not await admin.connected(2.0)
    with pytest.raises(ServiceUnavailable):
        await admin.version()
    await cluster.start()
    async with asyncio.timeout(WITHIN_S):
        assert await admin.connected(5.0)
        assert (await admin.version()).cluster_name == "test"


async def test_of_many_watchers_each_sees_everything_in_order(admin: Client, config_map: ConfigMaps) -> None:
    start = (await admin.list(config_pb2.ConfigMap)).resource_version
    wanted = [("ADDED", f"c{number:02}") for number in range(50)]

    async def watcher() -> list[tuple[str, str]]:
        async with aclosing(admin.watch(config_pb2.ConfigMap, start)) as watch:
            return await take(watch, len(wanted))

    watchers = [asyncio.create_task(watcher()) for _ in range(10)]
    for _, name in wanted:
        await admin.create(config_map(name))
    assert all(seen == wanted for seen in await asyncio.gather(*watchers))


async def test_a_watcher_that_does_not_read_is_closed(
    cluster: Cluster, admin: Client, config_map: ConfigMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WRITE_LIMIT_S", 0.05)
    idle = await cluster.client()
    call = apiserver_pb2_grpc.ApiServerStub(idle.channel).Watch(apiserver_pb2.WatchRequest(kind="ConfigMap"))
    await call.read()
    for number in range(150):
        await admin.create(config_map(f"c{number}", filling="x" * 100_000))
    with pytest.raises(grpc.aio.AioRpcError, match="the client took nothing"):
        await _read_to_the_end(call)


async def _read_to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_no_change_is_lost_doubled_or_out_of_order_across_restarts(
    cluster: Cluster, admin: Client, config_map: ConfigMaps
) -> None:
    created = await admin.create(config_map("counter", count="0"))
    seen: list[int] = []
    progress = asyncio.Event()
    last = 60

    async def count() -> None:
        for number in range(1, last + 1):
            await _insist(admin, config_map("counter", count=str(number)))

    async def follow(client: Client) -> None:
        revision = created.metadata.resourceVersion
        while not seen or seen[-1] < last:
            try:
                async with aclosing(client.watch(config_pb2.ConfigMap, revision)) as watch:
                    async for batch in watch:
                        for event in batch:
                            revision = event.resource_version
                            if event.object is not None:
                                seen.append(int(event.object.data["count"]))
                                progress.set()
                        if seen and seen[-1] == last:
                            return
            except ServiceUnavailable:
                continue

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(follow(await cluster.client()))
        group.create_task(count())
        for reached in (20, 40):
            while not seen or seen[-1] < reached:
                progress.clear()
                await progress.wait()
            await cluster.stop()
            await cluster.start()
    assert seen == list(range(1, last + 1))


async def _insist(client: Client, wanted: config_pb2.ConfigMap) -> None:
    while True:
        try:
            await client.update(wanted)
            return
        except ServiceUnavailable:
            continue


async def test_what_is_listed_is_trimmed_as_it_comes(admin: Client, config_map: ConfigMaps) -> None:
    await admin.create(config_map("a"))

    def trim(whole: config_pb2.ConfigMap) -> config_pb2.ConfigMap:
        return config_pb2.ConfigMap(metadata={"name": whole.metadata.name})

    listed = await admin.list(config_pb2.ConfigMap, "default", trim=trim)
    assert config_pb2.ConfigMap(metadata={"name": "a"}) in listed.items
    assert not any(each.data or each.metadata.uid for each in listed.items)
    assert listed.resource_version
