"""podlab-kubelet: runs the pods of one node, and the node's network with them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.admission.pod_admission import PodAdmission
from node.kubelet.cgroups import groups, layout
from node.kubelet.cgroups.groups import Groups
from node.kubelet.cgroups.pod_cgroups import PodCgroups
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.cpus import manager as cpus
from node.kubelet.cpus.manager import CpuManager
from node.kubelet.cri.containerd import Containerd
from node.kubelet.deviceplugins import registration
from node.kubelet.deviceplugins.given import GivenDevices
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.dynamicresources.manager import DynamicResources
from node.kubelet.dynamicresources.plugins import DriverRegistry
from node.kubelet.dynamicresources.prepared import Checkpoint
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.eviction.pod_uses import PodUses
from node.kubelet.eviction.pressure import EvictionEffects, NodePressure
from node.kubelet.eviction.signal_reader import SignalReader
from node.kubelet.images import credential_providers
from node.kubelet.images.container_export import ContainerExport
from node.kubelet.images.credential_providers import CredentialProviders
from node.kubelet.images.image_collector import ImageCollector
from node.kubelet.images.image_manager import ImageManager
from node.kubelet.images.image_store import ImageStore
from node.kubelet.logs.log_rotation import LogRotation
from node.kubelet.nodestatus import machine_info, oom_watcher, shutdown
from node.kubelet.nodestatus.measurement import Surveyor
from node.kubelet.nodestatus.node_lease import NodeLease
from node.kubelet.nodestatus.node_status import allocatable, new_node
from node.kubelet.nodestatus.registration import NodeRegistration
from node.kubelet.nodestatus.shutdown_watch import ShutdownEffects, ShutdownWatch
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.plugins import unix_server
from node.kubelet.plugins.registry import PluginRegistry
from node.kubelet.server.documents import Documents
from node.kubelet.server.images_server import ImagesServicer
from node.kubelet.server.kubelet_server import KubeletServicer
from node.kubelet.server.network_span import NetworkSpans
from node.kubelet.server.pod_resources import PodResourcesServicer
from node.kubelet.settings import ImagePullSettings, KubeletSettings
from node.kubelet.staticpods.directory import ManifestDirectory
from node.kubelet.staticpods.mirror_pods import MirrorPods
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.staticpods.source import StaticPods
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.config_objects import ConfigObjectManager
from node.kubelet.volume.csi.api_reader import CsiApiReader
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.volumes import CsiVolumes
from node.kubelet.volume.image_volumes import ImageVolumes
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.token_manager import TokenManager
from node.kubelet.volume.volume_manager import VolumeManager
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_workers import PodWorkers
from node.network.foreign import ForeignNetwork
from node.network.network import Network
from node.network.settings import Plugin
from node.probing.attachment import remove_leftovers
from node.resolvconf import ClusterDns
from podlab import component
from podlab.api.pods import containers
from podlab.api.values import quantity
from podlab.api.values.ipfamilies import family_of
from podlab.client.absent import AbsentServer, EventLog
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.foreign.podresources.v1 import api_pb2_grpc as pod_resources_grpc
from podlab.settings import SettingsError
from podlab.spans import service as spans
from podlab.v1 import images_pb2, images_pb2_grpc, kubelet_pb2, kubelet_pb2_grpc

log = logging.getLogger(__name__)

APISERVER_USER = "system:apiserver"
KUBELET = kubelet_pb2.DESCRIPTOR.services_by_name["Kubelet"].full_name
IMAGES = images_pb2.DESCRIPTOR.services_by_name["Images"].full_name
POD_RESOURCES = "pod-resources/kubelet.sock"
DEVICE_PLUGINS = "device-plugins"
PLUGINS = "plugins_registry"
"""Below the kubelet's directory: the sockets by which plugins make themselves known."""
EXPORTS = "exports"
"""Below the kubelet's directory: the file systems of containers that are being exported."""
SECCOMP = "seccomp"
"""Below the kubelet's directory: the profiles that pods name as Localhost."""
CNI_DIRECTORY = Path("/etc/cni/podlab.d")


@dataclass
class Kubelet:
    """The kubelet's loops, wired to each other. `run` for ever."""

    settings: KubeletSettings
    client: Client
    runtime: Containerd

    def __post_init__(self) -> None:
        settings, client = self.settings, self.client
        self.bound = Informer(client, pod_pb2.Pod, field_selector=f"spec.nodeName={settings.node_name}")
        self._services = Informer(client, service_pb2.Service)
        self._own_node = Informer(client, node_pb2.Node, field_selector=f"metadata.name={settings.node_name}")
        self._recorder = (
            EventRecorder(client, "kubelet", settings.node_name)
            if settings.apiserver
            else EventLog("kubelet", settings.node_name)
        )
        self._follow_files()
        self._local_path = LocalPathManager(client, settings.node_name, settings.root_dir)
        self._make_givers()
        self._admission = PodAdmission(
            client,
            new_node(settings),
            allocatable(settings),
            node=self._node,
            pods=self._node_pods.list,
            devices=self._devices,
            cpus=self._cpus,
            pressures=lambda: self._pressure.conditions,
            refusal=lambda: shutdown.NOT_ADMITTED if self._shutdown.shutting_down else None,
            apparmor=machine_info.has_apparmor(),
        )
        drivers = DriverRegistry()
        self._csi_drivers = CsiDrivers(client, settings.node_name)
        self._plugins = PluginRegistry(settings.root_dir / PLUGINS, (drivers, self._csi_drivers, self._devices.offers))
        self._dynamic_resources = DynamicResources(client, drivers, Checkpoint(settings.root_dir / "dra_manager_state"))
        self._context = self._make_context()
        self.spans = self._context.spans
        self.pods = PodWorkers(self._context, self._node_pods)
        drivers.on_registered(self.pods.driver_registered)
        self._csi_drivers.on_registered(self.pods.driver_registered)
        self._admission.on_preempt(self.pods.end)
        self._context.config_objects.on_change(self.pods.volume_contents_changed)
        self._context.tokens.on_change(self.pods.volume_contents_changed)
        self._context.csi.on_due(self.pods.volume_contents_changed)
        self._network = _network(settings, client)
        self._watch_resources()

    def _make_givers(self) -> None:
        """Of devices and processors."""
        given = GivenDevices(self.settings.root_dir / "device_manager_state")
        self._devices = DeviceManager(DeviceOffers(given.resources), given)
        exclusive = cpus.exclusive(self.settings.cpu_manager, self.settings.root_dir / "cpu_manager_state")
        self._cpus = CpuManager(exclusive, self.runtime)

    def _follow_files(self) -> None:
        """The pods that files describe."""
        directory = ManifestDirectory(self.settings.static_pod_dir, self.settings.node_name)
        self._static_pods = StaticPods(directory, self._tell_of_manifest)
        self._node_pods = NodePods(self.bound, self._static_pods)
        self._mirrors = MirrorPods(self.client, self._static_pods, self.bound, self._node)
        self.synced = self.bound.synced if self.settings.apiserver else self._static_pods.listed
        if not self.settings.apiserver:
            self.bound.synced.set()  # there is nobody who binds pods

    def _watch_resources(self) -> None:
        """What keeps the node from running out of memory, disk and process ids."""
        settings, runtime = self.settings, self.runtime
        reader = SignalReader(settings.root_dir, runtime)
        self._pressure = NodePressure(settings.eviction, reader, PodUses(runtime, self._context.ephemeral_storage))
        self._images = ImageCollector(
            runtime, settings.image_gc, self._used_images, self._tell_of_node, runtime.figures.removed_images.add
        )
        self._logs = LogRotation(runtime, settings.logs)
        self._eviction = EvictionEffects(
            pods=self.pods.evictable,
            end=self.pods.end,
            is_gone=lambda uid: not self.pods.runs(uid),
            reclaim=(self.pods.remove_ended, self._images.remove_unused),
            tell=self._tell_of_node,
            count=runtime.figures.evictions.add,
        )
        self._shutdown = ShutdownWatch(settings.shutdown)
        self._registration = NodeRegistration(
            settings,
            self.client,
            self._recorder,
            runtime,
            self._network,
            lambda: self._pressure.conditions,
            self._devices.offers.counts,
            lambda: self._shutdown.shutting_down,
        )
        self._pressure.on_change(self._registration.look)
        self._devices.offers.on_change(self._registration.look)
        self._devices.offers.on_change(self.pods.devices_changed)

    async def _watch_shutdown(self) -> None:
        effects = ShutdownEffects(
            pods=self.pods.active,
            end=self.pods.end,
            is_gone=lambda uid: not self.pods.runs(uid),
            tell=self._tell_of_node,
            changed=self._registration.look,
        )
        await self._shutdown.run(effects)

    def documents(self, stats: StatsProvider) -> Documents:
        """What it tells of itself, its pods, and their use."""
        surveyor = Surveyor(self.settings.node_name, self.settings.root_dir, self.runtime, stats, self._node_pods.list)
        return Documents(self.settings, surveyor, self.runtime.figures, self._node_pods.list)

    def _used_images(self) -> set[str]:
        """Those that pods name, also while no container of them is there."""
        return {name for pod in self._node_pods.list() for name in containers.images(pod.spec)}

    def _tell_of_node(self, event_type: str, reason: str, message: str) -> None:
        node = self._node()
        if node is None:
            node = new_node(self.settings)
            node.metadata.uid = self.settings.node_name  # as Kubernetes' kubelet names the node in its Events
        self._recorder.event(node, event_type, reason, message)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._static_pods.run())
            group.create_task(self.pods.run())
            group.create_task(self._logs.run())
            group.create_task(self._devices.run(self._may_be_here))
            group.create_task(self._cpus.run(self._may_be_here))
            group.create_task(self._serve_pod_resources())
            group.create_task(registration.run(self.settings.kubernetes_dir / DEVICE_PLUGINS, self._devices.offers))
            if self.settings.apiserver:
                group.create_task(self._run_with_api())
            # Which images are unused is known only once all pods are.
            await self.synced.wait()
            await self._static_pods.listed.wait()
            group.create_task(self._images.run())
            group.create_task(self._pressure.run(self._eviction))
            group.create_task(self._watch_shutdown())

    async def _run_with_api(self) -> None:
        lease = NodeLease(self.client, self.settings.node_name, self.settings.lease_duration_s)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._own_node.run())
            group.create_task(self._recorder.run())
            group.create_task(self._registration.run())
            group.create_task(lease.run())
            group.create_task(self._network.run())
            group.create_task(self._context.config_objects.run())
            group.create_task(self._context.tokens.run())
            group.create_task(self._context.csi.run())
            group.create_task(oom_watcher.run(self._tell_of_node))
            group.create_task(self._local_path.run())
            group.create_task(self._dynamic_resources.run(self._may_be_here))
            group.create_task(self._plugins.run())
            group.create_task(self._mirrors.run())
            # Containers get the Services' variables, so the list of Services comes before the API's first pod. On a
            # node that was removed it never comes, and its pods are removed all the same.
            removed = group.create_task(self._remove_pods_with_node())
            services_known = group.create_task(self._services.synced.wait())
            await asyncio.wait({removed, services_known}, return_when=asyncio.FIRST_COMPLETED)
            group.create_task(self.bound.run())

    async def _serve_pod_resources(self) -> None:
        servicer = PodResourcesServicer(self._node_pods, self._devices, self._cpus, self._dynamic_resources.prepared)
        await unix_server.run(
            self.settings.kubernetes_dir / POD_RESOURCES,
            lambda server: pod_resources_grpc.add_PodResourcesListerServicer_to_server(servicer, server),
        )

    def _node(self) -> node_pb2.Node | None:
        return self._own_node.get(self.settings.node_name)

    def _tell_of_manifest(self, problem: str) -> None:
        self._tell_of_node("Warning", "FailedValidation", f"Error validating static pod {problem}")

    def _may_be_here(self, uid: str) -> bool:
        return not self._node_pods.are_known or self.pods.may_run(uid)

    async def _remove_pods_with_node(self) -> None:
        await self._registration.removed.wait()
        self.pods.node_removed()

    def _make_context(self) -> NodeContext:
        amounts, volumes = allocatable(self.settings), VolumeManager(self.settings.root_dir)
        tokens = TokenManager(self.client)
        reader = CsiApiReader(self.client, tokens, self.settings.node_name)
        return NodeContext(
            node_name=self.settings.node_name,
            node_ips=self.settings.node_ips,
            memory_bytes=quantity.value(amounts["memory"]),
            allocatable=amounts,
            client=self.client,
            runtime=self.runtime,
            recorder=self._recorder,
            images=_image_manager(self.settings.image_pulls, self.runtime),
            admission=self._admission,
            volumes=volumes,
            cgroups=PodCgroups(Groups(groups.mounted()), layout.of_node(amounts)),
            ephemeral_storage=EphemeralStorageMonitor(volumes, self.runtime),
            claims=ClaimReader(self.client, self._local_path),
            csi=CsiVolumes(self.client, self._csi_drivers, volumes, reader, self.settings.root_dir),
            image_volumes=ImageVolumes(self.runtime, volumes),
            dynamic_resources=self._dynamic_resources,
            devices=self._devices,
            cpus=self._cpus,
            config_objects=ConfigObjectManager(self.client),
            tokens=tokens,
            services=self._services.list,
            cluster_dns=ClusterDns(self.settings.cluster_dns, self.settings.cluster_domain),
            figures=self.runtime.figures,
            seccomp=SeccompProfiles(
                self.settings.root_dir / SECCOMP, "RuntimeDefault" if self.settings.seccomp_default else "Unconfined"
            ),
        )


def _image_manager(settings: ImagePullSettings, runtime: Containerd) -> ImageManager:
    """Raises SettingsError."""
    config, programs = settings.credential_provider_config, settings.credential_provider_bin_dir
    providers = credential_providers.read_config(Path(config), Path(programs)) if config else ()
    return ImageManager(runtime, CredentialProviders(providers), most_at_once=settings.max_parallel)


def _network(settings: KubeletSettings, client: Client) -> Network | ForeignNetwork:
    if settings.network.plugin == Plugin.NONE:
        return ForeignNetwork(settings.pod_cidr_cluster, CNI_DIRECTORY)
    return Network(client, settings.node_name, settings.pod_cidr_cluster, CNI_DIRECTORY, settings.network)


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
    runtime = Containerd(settings.runtime_endpoint, family_of(settings.node_ips[0]))
    images, exports = ImageStore(runtime, settings.runtime_endpoint), ContainerExport(settings.root_dir / EXPORTS)
    await asyncio.to_thread(exports.remove_leftovers)
    try:
        async with component.client(settings.apiserver, settings.tls, "kubelet") as client:
            kubelet = Kubelet(settings, client, runtime)
            if left := await remove_leftovers():
                log.info("probes that an earlier run has not ended are gone: %s", ", ".join(left))
            stats = StatsProvider(runtime, settings.node_name)
            documents = kubelet.documents(stats)
            servicer = KubeletServicer(kubelet.pods, runtime, stats, documents, settings.node_ips[0])
            kubelet_pb2_grpc.add_KubeletServicer_to_server(servicer, server)
            spans.add_to(server, kubelet.spans, NetworkSpans(kubelet.pods, runtime).found)
            of_images = ImagesServicer(kubelet.pods, runtime, images, exports)
            images_pb2_grpc.add_ImagesServicer_to_server(of_images, server)
            await component.serve_loop(server, checks, kubelet.run(), kubelet.synced, stop)
    finally:
        await images.close()
        await runtime.close()


async def _serve_alone(settings: KubeletSettings, stop: asyncio.Event) -> None:
    """Static pods alone. Who connects pods, other than those in the host's network, is for the machine's CNI
    configuration to say."""
    runtime = Containerd(settings.runtime_endpoint, family_of(settings.node_ips[0]))
    kubelet = Kubelet(settings, AbsentServer(), runtime)
    log.info("no API server is named in the settings: only the pods in %s are run", settings.static_pod_dir)
    component.notify_ready()
    try:
        await component.run_loop(kubelet.run(), kubelet.synced, stop, _no_checks)
    finally:
        await runtime.close()


async def _no_checks() -> None:
    """Nobody asks."""


def main() -> None:
    """The console script."""
    component.run("kubelet", KubeletSettings, serve)


if __name__ == "__main__":
    main()
