"""The node's own object: registered, then its status kept true, with an Event for each change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.deviceplugins.offers import Count
from node.kubelet.nodestatus import machine_info
from node.kubelet.nodestatus.node_events import STARTING, NodeEvent, cordon_event, status_events
from node.kubelet.nodestatus.node_status import (
    NodeObservation,
    allocatable,
    capacity,
    differ_only_in_heartbeats,
    labels,
    new_node,
    node_status,
    noted,
)
from node.kubelet.nodestatus.runtime_health import RuntimeHealth
from node.kubelet.settings import KubeletSettings
from podlab import GIT_VERSION
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import node_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound, Unauthorized

log = logging.getLogger(__name__)

# How often the status is computed, and how old an unchanged one may get in the API (heartbeats are Leases).
PERIOD_S, PERIOD_WHEN_NOT_READY_S = 5.0, 0.5
MAX_AGE_S = 300.0
RETRY_S = 1.0
# A removed node comes back with another certificate, for which the kubelet is restarted.
RETRY_WHEN_REMOVED_S = 30.0
DOING = "register the node or write its status"
# A restarted kubelet waits for the network, so that its node does not become not ready for a moment.
NETWORK_TIMEOUT_S = 5.0


class PodNetwork(Protocol):
    """What is needed of the pod network."""

    @property
    def ready(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    async def wait_ready(self, timeout_s: float) -> None:
        """Returns when the network is ready, or when the time is up."""


def _period_s(node: node_pb2.Node | None) -> float:
    if node is None:
        return 0.0
    ready = condition(node.status.conditions, "Ready")
    return PERIOD_S if ready is not None and ready.status == "True" else PERIOD_WHEN_NOT_READY_S


class NodeRegistration:
    """`run` for ever: registers the node, writes its status when it changes, and records Events."""

    def __init__(
        self,
        settings: KubeletSettings,
        client: Client,
        recorder: EventRecorder,
        runtime: Runtime,
        network: PodNetwork,
        pressures: Callable[[], Collection[str]],
        devices: Callable[[], Mapping[str, Count]],
        shutting_down: Callable[[], bool] = lambda: False,
    ) -> None:
        """`pressures` gives the conditions of pressure that are true now, `devices` what plugins offer, by resource."""
        self._settings = settings
        # Set once the API server says that the node was deleted. It stays set.
        self.removed = asyncio.Event()
        self._client = client
        self._recorder = recorder
        self._runtime_health = RuntimeHealth(runtime)
        self._network = network
        self._pressures = pressures
        self._devices = devices
        self._shutting_down = shutting_down
        self._news = asyncio.Event()
        self._capacity, self._offered = capacity(settings), allocatable(settings)
        self._registered = False
        self._written_at = 0.0
        self._cordoned = False

    async def run(self) -> None:
        node: node_pb2.Node | None = None
        loop = asyncio.get_running_loop()
        while True:
            try:
                node = await self._sync(loop.time())
                self._client.outages.ended(DOING)
            except NotFound:
                log.warning("node %s is gone from the API: it registers again", self._settings.node_name)
                self._registered = False
                node = None
            except Unauthorized as error:
                node = None
                if error.kind == "nodes" and error.name == self._settings.node_name:
                    self._mark_removed(error)
                    await asyncio.sleep(RETRY_WHEN_REMOVED_S)
                else:
                    self._client.outages.failed(DOING, error)
                    await asyncio.sleep(RETRY_S)
            except ApiError as error:
                self._client.outages.failed(DOING, error)
                node = None
                await asyncio.sleep(RETRY_S)
            except (RuntimeFailure, OSError) as error:
                log.warning("status of node %s cannot be written: %s", self._settings.node_name, error)
                node = None
                await asyncio.sleep(RETRY_S)
            await self._wait(_period_s(node))

    def look(self) -> None:
        """Something of the node has changed that its status tells."""
        self._news.set()

    async def _wait(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def _mark_removed(self, why: Unauthorized) -> None:
        """The node was deleted: it must not register again by itself, and its pods are removed."""
        if not self.removed.is_set():
            log.error("%s; its pods are removed", why.message)
            self.removed.set()

    async def _sync(self, now: float) -> node_pb2.Node:
        """Reads the node anew each time: controllers write its status too, when they miss heartbeats."""
        node = await self._read()
        if self._written_at == 0.0:
            await self._network.wait_ready(NETWORK_TIMEOUT_S)
        if node.spec.unschedulable != self._cordoned:
            self._record(node, cordon_event(node))
            self._cordoned = node.spec.unschedulable
        status = node_status(self._settings, self._capacity, self._offered, node.status, await self._observe())
        if now - self._written_at <= MAX_AGE_S and differ_only_in_heartbeats(status, node.status):
            return node
        events = list(status_events(node, status))
        node.status.CopyFrom(status)
        node.metadata.resourceVersion = ""
        written = await self._client.update_status(node)
        self._written_at = now
        for event in events:
            self._record(written, event)
        return written

    def _record(self, node: node_pb2.Node, event: NodeEvent) -> None:
        self._recorder.event(node, event.type, event.reason, event.message)

    async def _read(self) -> node_pb2.Node:
        if self._registered:
            return await self._client.get(node_pb2.Node, self._settings.node_name)
        node = await self._register()
        if self._written_at == 0.0:
            self._record(node, STARTING)
        self._registered = True
        return node

    async def _register(self) -> node_pb2.Node:
        """Creates the node, or sets the labels and annotations of an existing one."""
        try:
            node = await self._client.create(new_node(self._settings))
            log.info("node %s registered", self._settings.node_name)
            return node
        except AlreadyExists:
            node = await self._client.get(node_pb2.Node, self._settings.node_name)
        found, settings = node.metadata, self._settings
        wanted, notes = labels(settings), noted(settings)
        if wanted.items() <= dict(found.labels).items() and notes.items() <= dict(found.annotations).items():
            return node
        found.labels.update(wanted)
        found.annotations.update(notes)
        try:
            return await self._client.update(node)
        except Conflict:
            return await self._register()

    async def _observe(self) -> NodeObservation:
        runtime = await self._runtime_health.check(asyncio.get_running_loop().time())
        return NodeObservation(
            readiness=runtime.readiness,
            network_ready=self._network.ready,
            network_reason=self._network.reason,
            pressures=self._pressures(),
            shutting_down=self._shutting_down(),
            images=runtime.images,
            info=machine_info.system_info(runtime.version, GIT_VERSION),
            devices=self._devices(),
        )
