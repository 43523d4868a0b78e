"""The node's own object: registered, then kept true, and what changes told in Events."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.nodestatus import machine_info
from node.kubelet.nodestatus.node_events import STARTING, Told, cordon_event, status_events
from node.kubelet.nodestatus.node_status import Sight, capacity, kubelet_version, labels, new_node, node_status, same
from node.kubelet.nodestatus.runtime_health import RuntimeSight
from node.kubelet.settings import KubeletSettings
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import node_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound, Unauthorized

log = logging.getLogger(__name__)

# How often the node looks at itself, and how old an unchanged status may get (heartbeats are Leases).
LOOK_S, LOOK_WHEN_NOT_READY_S = 5.0, 0.5
REPORT_S = 300.0
RETRY_S = 1.0
# A node that was removed comes back with another certificate, for which the kubelet is restarted.
RETRY_WHEN_REMOVED_S = 30.0
DOING = "register the node or write its status"
# A restarted kubelet must not call its node not ready only because it has not looked at the network yet.
NETWORK_WITHIN_S = 5.0


class Network(Protocol):
    """What the pod network tells of itself."""

    @property
    def ready(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    async def wait_ready(self, timeout_s: float) -> None:
        """Returns when the network is ready, or when the time is up."""


def _rest_s(node: node_pb2.Node | None) -> float:
    if node is None:
        return 0.0
    ready = condition(node.status.conditions, "Ready")
    return LOOK_S if ready is not None and ready.status == "True" else LOOK_WHEN_NOT_READY_S


class Registration:
    """`run` for ever: registers the node, looks at it, writes and tells what changed."""

    def __init__(
        self, settings: KubeletSettings, client: Client, recorder: EventRecorder, runtime: Runtime, network: Network
    ) -> None:
        self._settings = settings
        # Set once the API server has said that the node was deleted, for as long as this process lives.
        self.removed = asyncio.Event()
        self._client = client
        self._recorder = recorder
        self._runtime = RuntimeSight(runtime)
        self._network = network
        self._capacity = capacity(settings)
        self._registered = False
        self._written_at = 0.0
        self._cordoned = False

    async def run(self) -> None:
        node: node_pb2.Node | None = None
        loop = asyncio.get_running_loop()
        while True:
            try:
                node = await self._pass(loop.time())
                self._client.outages.ended(DOING)
            except NotFound:
                log.warning("node %s is gone from the API: it registers again", self._settings.node_name)
                self._registered = False
                node = None
            except Unauthorized as error:
                node = None
                if error.kind == "nodes" and error.name == self._settings.node_name:
                    self._leave(error)
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
            await asyncio.sleep(_rest_s(node))

    def _leave(self, why: Unauthorized) -> None:
        """Somebody has deleted the node: it must not come back by itself, and its pods are the cluster's no longer."""
        if not self.removed.is_set():
            log.error("%s; its pods are ended", why.message)
            self.removed.set()

    async def _pass(self, now: float) -> node_pb2.Node:
        """Looks once. The node is read anew each time: the controllers write it too, when they miss our heartbeats."""
        node = await self._read()
        if self._written_at == 0.0:
            await self._network.wait_ready(NETWORK_WITHIN_S)
        if node.spec.unschedulable != self._cordoned:
            self._tell(node, cordon_event(node))
            self._cordoned = node.spec.unschedulable
        status = node_status(self._settings, self._capacity, node.status, await self._look())
        if now - self._written_at <= REPORT_S and same(status, node.status):
            return node
        news = list(status_events(node, status))
        node.status.CopyFrom(status)
        node.metadata.resourceVersion = ""
        written = await self._client.update_status(node)
        self._written_at = now
        for told in news:
            self._tell(written, told)
        return written

    def _tell(self, node: node_pb2.Node, told: Told) -> None:
        self._recorder.event(node, told.type, told.reason, told.message)

    async def _read(self) -> node_pb2.Node:
        if self._registered:
            return await self._client.get(node_pb2.Node, self._settings.node_name)
        node = await self._register()
        if self._written_at == 0.0:
            self._tell(node, STARTING)
        self._registered = True
        return node

    async def _register(self) -> node_pb2.Node:
        """The node as the API has it, made when missing, with the labels that this kubelet gives."""
        try:
            node = await self._client.create(new_node(self._settings))
            log.info("node %s registered", self._settings.node_name)
            return node
        except AlreadyExists:
            node = await self._client.get(node_pb2.Node, self._settings.node_name)
        wanted = labels(self._settings)
        if all(node.metadata.labels.get(name) == value for name, value in wanted.items()):
            return node
        node.metadata.labels.update(wanted)
        try:
            return await self._client.update(node)
        except Conflict:
            return await self._register()

    async def _look(self) -> Sight:
        told = await self._runtime.look(asyncio.get_running_loop().time())
        return Sight(
            readiness=told.readiness,
            network_ready=self._network.ready,
            network_reason=self._network.reason,
            pressure=await asyncio.to_thread(machine_info.pressure, self._settings.root_dir),
            images=told.images,
            info=machine_info.system_info(told.version, kubelet_version()),
        )
