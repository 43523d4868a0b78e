"""podlab-kubelet: runs the pods of one node, and the node's network with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.cgroups import groups
from node.kubelet.cgroups.groups import Groups
from node.kubelet.cpus.manager import exclusive
from node.kubelet.cri.containerd import Containerd
from node.kubelet.cri.interrupted import InterruptedCalls
from node.kubelet.eviction.pod_uses import PodUses
from node.kubelet.eviction.pressure import EvictionEffects, NodePressure
from node.kubelet.eviction.signal_reader import SignalReader
from node.kubelet.images.container_export import ContainerExport
from node.kubelet.images.image_collector import ImageCollector
from node.kubelet.images.image_store import ImageStore
from node.kubelet.logs.log_rotation import LogRotation
from node.kubelet.nodestatus import machine_info, oom_watcher, shutdown, swap
from node.kubelet.nodestatus.measurement import Surveyor
from node.kubelet.nodestatus.node_lease import NodeLease
from node.kubelet.nodestatus.node_status import allocatable, new_node
from node.kubelet.nodestatus.registration import NodeRegistration
from node.kubelet.nodestatus.shutdown_watch import ShutdownEffects, ShutdownWatch
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.numa.nodes import aligning
from node.kubelet.server import pod_resources
from node.kubelet.server.documents import Documents
from node.kubelet.server.https import https_server
from node.kubelet.server.https.https_server import HttpsServer
from node.kubelet.server.https.reviews import Reviews
from node.kubelet.server.images_server import ImagesServicer
from node.kubelet.server.kubelet_server import KubeletServicer
from node.kubelet.server.network_span import NetworkSpans
from node.kubelet.server.pod_resources import PodResourcesServicer
from node.kubelet.settings import KubeletSettings
from node.kubelet.worker.pod_runner import PLUGINS, SECCOMP, Edges, PodRunner
from node.network.foreign import ForeignNetwork
from node.network.network import Network
from node.network.settings import Plugin
from node.probing.attachment import remove_leftovers
from podlab import component
from podlab.api.pods import containers
from podlab.api.values.ipfamilies import family_of
from podlab.client.absent import AbsentServer
from podlab.client.client import Client
from podlab.settings import SettingsError
from podlab.spans import service as spans
from podlab.v1 import images_pb2, images_pb2_grpc, kubelet_pb2, kubelet_pb2_grpc

log = logging.getLogger(__name__)

APISERVER_USER = "system:apiserver"
KUBELET = kubelet_pb2.DESCRIPTOR.services_by_name["Kubelet"].full_name
IMAGES = images_pb2.DESCRIPTOR.services_by_name["Images"].full_name
EXPORTS = "exports"
"""Below the kubelet's directory: the file systems of containers that are being exported."""
CNI_DIRECTORY = Path("/etc/cni/podlab.d")


@dataclass
class Kubelet:
    """What runs pods, and what looks after the node, wired to each other. `run` for ever. Raises SettingsError."""

    settings: KubeletSettings
    client: Client
    runtime: Containerd

    def __post_init__(self) -> None:
        settings, pod_groups = self.settings, Groups(groups.mounted())
        edges = Edges(
            client=self.client,
            runtime=self.runtime,
            groups=pod_groups,
            own_node=new_node(settings),
            offered=allocatable(settings),
            exclusive_cpus=exclusive(settings.cpu_manager, settings.root_dir / "cpu_manager_state"),
            numa_nodes=aligning(settings.topology_manager),
            swap=swap.of_node(settings.swap, machine_info.swap_bytes(), limitable=pod_groups.limit_swap),
            apparmor=machine_info.has_apparmor(),
            pressures=lambda: self._pressure.conditions,
            refusal=lambda: shutdown.NOT_ADMITTED if self._shutdown.shutting_down else None,
            figures=self.runtime.figures,
        )
        self.runner = PodRunner(settings, edges)
        self.workers = self.runner.workers
        self._network = _network(settings, self.client)
        self._watch_resources()

    def _watch_resources(self) -> None:
        """What keeps the node from running out of memory, disk and process ids."""
        settings, runtime, runner = self.settings, self.runtime, self.runner
        reader = SignalReader(settings.root_dir, runtime)
        self._pressure = NodePressure(settings.eviction, reader, PodUses(runtime, runner.context.ephemeral_storage))
        self._images = ImageCollector(
            runtime, settings.image_gc, self._used_images, runner.tell_of_node, runtime.figures.removed_images.add
        )
        self._logs = LogRotation(runtime, settings.logs)
        self._eviction = EvictionEffects(
            pods=self.workers.evictable,
            end=self.workers.end,
            is_gone=self.workers.has_ended,
            reclaim=(self.workers.remove_ended, self._images.remove_unused),
            tell=runner.tell_of_node,
            count=runtime.figures.evictions.add,
        )
        self._shutdown = ShutdownWatch(settings.shutdown)
        self._registration = NodeRegistration(
            settings,
            self.client,
            runner.recorder,
            runtime,
            self._network,
            lambda: self._pressure.conditions,
            runner.devices.offers.counts,
            lambda: self._shutdown.shutting_down,
        )
        self._pressure.on_change(self._registration.look)
        runner.devices.offers.on_change(self._registration.look)

    async def _watch_shutdown(self) -> None:
        effects = ShutdownEffects(
            pods=self.workers.active,
            end=self.workers.end,
            is_gone=self.workers.has_ended,
            tell=self.runner.tell_of_node,
            changed=self._registration.look,
        )
        await self._shutdown.run(effects)

    def documents(self, stats: StatsProvider) -> Documents:
        """What it tells of itself, its pods, and their use."""
        pods = self.runner.pods.list
        surveyor = Surveyor(self.settings.node_name, self.settings.root_dir, self.runtime, stats, pods)
        return Documents(self.settings, surveyor, self.runner.volume_stats, self.runtime.figures, pods)

    def _used_images(self) -> set[str]:
        """Those that pods name, also while no container of them is there."""
        return {name for pod in self.runner.pods.list() for name in containers.images(pod.spec)}

    async def run(self) -> None:
        runner = self.runner
        resources = PodResourcesServicer(runner.pods, runner.devices, runner.cpus, runner.dynamic_resources.prepared)
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.run())
            group.create_task(self._logs.run())
            group.create_task(InterruptedCalls(self.runtime).run())
            group.create_task(pod_resources.run(self.settings.kubernetes_dir / pod_resources.SOCKET, resources))
            if self.settings.apiserver:
                group.create_task(self._run_with_api())
            # Which images are unused is known only once all pods are.
            await runner.synced.wait()
            await runner.static_pods.listed.wait()
            group.create_task(self._images.run())
            group.create_task(self._pressure.run(self._eviction))
            group.create_task(self._watch_shutdown())

    async def _run_with_api(self) -> None:
        lease = NodeLease(self.client, self.settings.node_name, self.settings.lease_duration_s)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._registration.run())
            group.create_task(lease.run())
            group.create_task(self._network.run())
            group.create_task(oom_watcher.run(self.runner.tell_of_node))
            await self._registration.removed.wait()
            self.runner.node_removed()


def _network(settings: KubeletSettings, client: Client) -> Network | ForeignNetwork:
    if settings.network.plugin == Plugin.NONE:
        return ForeignNetwork(settings.pod_cidr_cluster, CNI_DIRECTORY)
    return Network(client, settings.node_name, settings.pod_cidr_cluster, CNI_DIRECTORY, settings.network)


def _runtime(settings: KubeletSettings) -> Containerd:
    family = family_of(settings.node_ips[0])
    return Containerd(settings.runtime_endpoint, family, request_timeout_s=settings.runtime_request_timeout_s)


async def serve(settings: KubeletSettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set; pods outlive it."""
    settings.root_dir.mkdir(parents=True, exist_ok=True)
    (settings.root_dir / PLUGINS).mkdir(exist_ok=True)
    (settings.root_dir / SECCOMP).mkdir(exist_ok=True)
    if not settings.apiserver:
        await _serve_alone(settings, stop)
        return
    if settings.tls is None:
        raise SettingsError("tls: required and missing: the API server is called with it, and calls")
    server, checks = component.grpc_server(
        settings.tls,
        f"{settings.bind_address}:{settings.port}",
        [KUBELET, IMAGES, spans.SERVICE],
        allowed_users=frozenset({APISERVER_USER}),
    )
    runtime = _runtime(settings)
    images, exports = ImageStore(runtime, settings.runtime_endpoint), ContainerExport(settings.root_dir / EXPORTS)
    await asyncio.to_thread(exports.remove_leftovers)
    try:
        async with component.client(settings.apiserver, settings.tls, "kubelet") as client:
            kubelet = Kubelet(settings, client, runtime)
            if left := await remove_leftovers():
                log.info("probes that an earlier run has not ended are gone: %s", ", ".join(left))
            stats = StatsProvider(runtime, settings.node_name)
            documents = kubelet.documents(stats)
            servicer = KubeletServicer(kubelet.workers, runtime, stats, documents, settings.node_ips[0])
            kubelet_pb2_grpc.add_KubeletServicer_to_server(servicer, server)
            spans.add_to(server, kubelet.runner.context.spans, NetworkSpans(kubelet.workers, runtime).found)
            of_images = ImagesServicer(kubelet.workers, runtime, images, exports)
            images_pb2_grpc.add_ImagesServicer_to_server(of_images, server)
            https = HttpsServer(documents, Reviews(client, settings.node_name), settings.tls)
            listening = https_server.listen(settings.bind_address, settings.https_port)
            loops = _together(kubelet.run(), https.run(listening))
            await component.serve_loop(server, checks, loops, kubelet.runner.synced, stop)
    finally:
        await images.close()
        await runtime.close()


async def _together(*loops: Coroutine[object, None, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)


async def _serve_alone(settings: KubeletSettings, stop: asyncio.Event) -> None:
    """Static pods alone. Who connects pods, other than those in the host's network, is for the machine's CNI
    configuration to say."""
    runtime = _runtime(settings)
    kubelet = Kubelet(settings, AbsentServer(), runtime)
    log.info("no API server is named in the settings: only the pods in %s are run", settings.static_pod_dir)
    component.notify_ready()
    try:
        await component.run_loop(kubelet.run(), kubelet.runner.synced, stop, _no_checks)
    finally:
        await runtime.close()


async def _no_checks() -> None:
    """Nobody asks."""


def main() -> None:
    """The console script."""
    component.run("kubelet", KubeletSettings, serve)


if __name__ == "__main__":
    main()
