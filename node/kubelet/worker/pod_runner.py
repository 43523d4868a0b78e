"""All that runs a node's pods, wired to each other: the kubelet without what looks after the node itself.

Who makes it names its edges: the API server, the container runtime, control groups, and what the node offers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from node.kubelet.admission.pod_admission import PodAdmission
from node.kubelet.cgroups import layout
from node.kubelet.cgroups.groups import Groups
from node.kubelet.cgroups.pod_cgroups import PodCgroups
from node.kubelet.containerconfig.linux_resources import NodeMemory
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.containerconfig.swap import NO_SWAP_KNOWN, NodeSwap
from node.kubelet.containerconfig.user_namespaces import UserNamespaces
from node.kubelet.cpus import manager as cpu_manager
from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cpus.manager import CpuManager
from node.kubelet.cri.runtime import Runtime
from node.kubelet.deviceplugins import manager as device_manager
from node.kubelet.deviceplugins import registration
from node.kubelet.deviceplugins.given import GivenDevices
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.disk.state_file import StateFile
from node.kubelet.dynamicresources import manager as dynamic_resources
from node.kubelet.dynamicresources.manager import DynamicResources
from node.kubelet.dynamicresources.plugins import DriverRegistry
from node.kubelet.dynamicresources.prepared import Checkpoint
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.figures import KubeletFigures
from node.kubelet.images import credential_providers
from node.kubelet.images.credential_providers import CredentialProviders
from node.kubelet.images.image_manager import ImageManager
from node.kubelet.images.pulled import PulledImages, PulledState
from node.kubelet.numa.alignment import Alignment
from node.kubelet.numa.nodes import NumaNode
from node.kubelet.plugins import registry
from node.kubelet.plugins.registry import PluginRegistry
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import KubeletSettings
from node.kubelet.staticpods import mirror_pods, source
from node.kubelet.staticpods.directory import ManifestDirectory
from node.kubelet.staticpods.mirror_pods import MirrorPods
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.staticpods.source import StaticPods
from node.kubelet.volume import config_objects, local_path
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.config_objects import ConfigObjectManager
from node.kubelet.volume.csi import volumes as csi_volumes
from node.kubelet.volume.csi.api_reader import CsiApiReader
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.volumes import CsiVolumes
from node.kubelet.volume.image_volumes import ImageVolumes
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.stats.volume_stats import VolumeStats
from node.kubelet.volume.token_manager import TokenManager
from node.kubelet.volume.volume_manager import PODS, VolumeManager
from node.kubelet.worker.context import NodeContext, WorkerTimings
from node.kubelet.worker.pod_workers import PodWorkers
from node.resolvconf import ClusterDns
from podlab.api.values import quantity
from podlab.client.absent import EventLog
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.meta.v1 import meta_pb2

PLUGINS = "plugins_registry"
"""Below the kubelet's directory: the sockets by which plugins make themselves known."""
PULLED = "image_manager_state"
"""Below the kubelet's directory: which images were pulled with whose credentials."""
SECCOMP = "seccomp"
"""Below the kubelet's directory: the profiles that pods name as Localhost."""
DEVICE_PLUGINS = "device-plugins"
"""Where device plugins of others look for the kubelet's socket, below its directory of Kubernetes' name."""


@dataclass(frozen=True, kw_only=True)
class Periods:
    """How often what is read again and again is read, in seconds."""

    static_pods_s: float = source.PERIOD_S
    mirror_retry_s: float = mirror_pods.RETRY_S
    plugins_s: float = registry.PERIOD_S
    local_path_s: float = local_path.PERIOD_S
    config_objects_s: float = config_objects.PERIOD_S
    csi_s: float = csi_volumes.PERIOD_S
    csi_look_s: float = csi_volumes.LOOK_S
    dynamic_resources_s: float = dynamic_resources.PERIOD_S
    devices_s: float = device_manager.PERIOD_S
    cpus_s: float = cpu_manager.PERIOD_S


@dataclass(frozen=True, kw_only=True)
class Edges:
    """What the parts stand on. `own_node` is the node as this kubelet registers it, `offered` what it has for pods.

    `pressures` gives the node's conditions of pressure that are true now, `refusal` how any pod ends that comes now;
    None when pods may come.
    """

    client: Client
    runtime: Runtime
    groups: Groups
    own_node: node_pb2.Node
    offered: Mapping[str, meta_pb2.Quantity]
    exclusive_cpus: ExclusiveCpus | None = None
    numa_nodes: tuple[NumaNode, ...] = ()
    swap: NodeSwap = NO_SWAP_KNOWN
    apparmor: bool = False
    pressures: Callable[[], Collection[str]] = frozenset
    refusal: Callable[[], PodOutcome | None] = lambda: None
    figures: KubeletFigures = field(default_factory=KubeletFigures)
    periods: Periods = field(default_factory=Periods)
    timings: WorkerTimings = field(default_factory=WorkerTimings)


class PodRunner:
    """`run` for ever. Without an API server in the settings it runs the node's static pods alone.

    Raises SettingsError.
    """

    def __init__(self, settings: KubeletSettings, edges: Edges) -> None:
        self._settings = settings
        self._edges = edges
        name, client = settings.node_name, edges.client
        self.recorder = EventRecorder(client, "kubelet", name) if settings.apiserver else EventLog("kubelet", name)
        self._bound = Informer(client, pod_pb2.Pod, field_selector=f"spec.nodeName={name}")
        self._services = Informer(client, service_pb2.Service)
        self._own_node = Informer(client, node_pb2.Node, field_selector=f"metadata.name={name}")
        self._node_removed = asyncio.Event()
        self._local_path = LocalPathManager(client, name, settings.root_dir, period_s=edges.periods.local_path_s)
        self._csi_drivers = CsiDrivers(client, name)
        self._drivers = DriverRegistry()
        self._follow_files()
        self._make_givers()
        self.admission = self._admission()
        self.context = self._context()
        self.workers = PodWorkers(self.context, self.pods)
        root = settings.root_dir
        self.volume_stats = VolumeStats(self.context.volumes, self.context.claims, self._csi_drivers, root)
        kinds = (self._drivers, self._csi_drivers, self.devices.offers)
        self._plugins = PluginRegistry(settings.root_dir / PLUGINS, kinds, edges.periods.plugins_s)
        self._wake_workers()

    def _follow_files(self) -> None:
        """The pods that files describe."""
        settings, periods = self._settings, self._edges.periods
        directory = ManifestDirectory(settings.static_pod_dir, settings.node_name)
        self.static_pods = StaticPods(directory, self._tell_of_manifest, periods.static_pods_s)
        self.pods = NodePods(self._bound, self.static_pods)
        self._mirrors = MirrorPods(
            self._edges.client, self.static_pods, self._bound, self.node, retry_s=periods.mirror_retry_s
        )
        self.synced = self._bound.synced if settings.apiserver else self.static_pods.listed
        """Set once it is known which pods the node is to run."""
        if not settings.apiserver:
            self._bound.synced.set()  # there is nobody who binds pods

    def _make_givers(self) -> None:
        """Of devices and processors."""
        root = self._settings.root_dir
        given = GivenDevices(root / "device_manager_state")
        self.devices = DeviceManager(DeviceOffers(given.resources), given)
        self.cpus = CpuManager(self._edges.exclusive_cpus, self._edges.runtime)
        checkpoint = Checkpoint(root / "dra_manager_state")
        self.dynamic_resources = DynamicResources(self._edges.client, self._drivers, checkpoint)

    def _admission(self) -> PodAdmission:
        edges = self._edges
        return PodAdmission(
            edges.client,
            edges.own_node,
            edges.offered,
            node=self.node,
            pods=self.pods.list,
            devices=self.devices,
            cpus=self.cpus,
            alignment=Alignment(self._settings.topology_manager, edges.numa_nodes, self.devices, self.cpus),
            pressures=edges.pressures,
            refusal=edges.refusal,
            apparmor=edges.apparmor,
        )

    def _context(self) -> NodeContext:
        settings, edges = self._settings, self._edges
        client, runtime, root = edges.client, edges.runtime, settings.root_dir
        volumes, tokens = VolumeManager(root), TokenManager(client)
        reader = CsiApiReader(client, tokens, settings.node_name)
        default_seccomp = "RuntimeDefault" if settings.seccomp_default else "Unconfined"
        return NodeContext(
            node_name=settings.node_name,
            node_ips=settings.node_ips,
            memory=self._memory(),
            allocatable=edges.offered,
            client=client,
            runtime=runtime,
            recorder=self.recorder,
            images=_image_manager(settings, runtime),
            admission=self.admission,
            volumes=volumes,
            user_namespaces=UserNamespaces(root / PODS, settings.capacity.pods),
            cgroups=PodCgroups(edges.groups, layout.of_node(edges.offered)),
            ephemeral_storage=EphemeralStorageMonitor(volumes, runtime),
            claims=ClaimReader(client, self._local_path),
            csi=CsiVolumes(client, self._csi_drivers, volumes, reader, root, look_s=edges.periods.csi_look_s),
            image_volumes=ImageVolumes(runtime, volumes),
            dynamic_resources=self.dynamic_resources,
            devices=self.devices,
            cpus=self.cpus,
            config_objects=ConfigObjectManager(client, period_s=edges.periods.config_objects_s),
            tokens=tokens,
            services=self._services.list,
            cluster_dns=ClusterDns(settings.cluster_dns, settings.cluster_domain),
            seccomp=SeccompProfiles(root / SECCOMP, default_seccomp),
            timings=edges.timings,
            figures=edges.figures,
        )

    def _memory(self) -> NodeMemory:
        settings, edges = self._settings, self._edges
        grouped = layout.oom_group(settings.single_process_oom_kill, unified=edges.groups.unified)
        return NodeMemory(quantity.value(edges.offered["memory"]), grouped, edges.swap)

    def _wake_workers(self) -> None:
        """As soon as there is something new for them."""
        workers, context = self.workers, self.context
        self._drivers.on_registered(workers.driver_registered)
        self._csi_drivers.on_registered(workers.driver_registered)
        self.devices.offers.on_change(workers.devices_changed)
        self.admission.on_preempt(workers.end)
        context.config_objects.on_change(workers.volume_contents_changed)
        context.tokens.on_change(workers.volume_contents_changed)
        context.csi.on_due(workers.volume_contents_changed)

    def node(self) -> node_pb2.Node | None:
        """The API's copy of the node; None as long as it is not known."""
        return self._own_node.get(self._settings.node_name)

    def node_removed(self) -> None:
        """The node was deleted from the API: its pods are removed."""
        self._node_removed.set()
        self.workers.node_removed()

    def tell_of_node(self, event_type: str, reason: str, message: str) -> None:
        """Makes an Event of the node."""
        node = self.node()
        if node is None:
            node = node_pb2.Node()
            node.CopyFrom(self._edges.own_node)
            node.metadata.uid = self._settings.node_name  # as Kubernetes' kubelet names the node in its Events
        self.recorder.event(node, event_type, reason, message)

    async def run(self) -> None:
        """The loops that need no API server, and those that do where there is one."""
        settings, periods = self._settings, self._edges.periods
        async with asyncio.TaskGroup() as group:
            group.create_task(self.static_pods.run())
            group.create_task(self.workers.run())
            group.create_task(self.devices.run(self._may_be_here, periods.devices_s))
            group.create_task(self.cpus.run(self._may_be_here, periods.cpus_s))
            group.create_task(registration.run(settings.kubernetes_dir / DEVICE_PLUGINS, self.devices.offers))
            if settings.apiserver:
                group.create_task(self._run_with_api())

    async def _run_with_api(self) -> None:
        context, periods = self.context, self._edges.periods
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._own_node.run())
            group.create_task(self.recorder.run())
            group.create_task(context.config_objects.run())
            group.create_task(context.tokens.run())
            group.create_task(context.csi.run(periods.csi_s))
            group.create_task(self._local_path.run())
            group.create_task(self.dynamic_resources.run(self._may_be_here, periods.dynamic_resources_s))
            group.create_task(self._plugins.run())
            group.create_task(self._mirrors.run())
            # Containers get the Services' variables, so the list of Services comes before the API's first pod. On a
            # node that was removed it never comes, and its pods are removed all the same.
            removed = group.create_task(self._node_removed.wait())
            services_known = group.create_task(self._services.synced.wait())
            await asyncio.wait({removed, services_known}, return_when=asyncio.FIRST_COMPLETED)
            group.create_task(self._bound.run())

    def _tell_of_manifest(self, problem: str) -> None:
        self.tell_of_node("Warning", "FailedValidation", f"Error validating static pod {problem}")

    def _may_be_here(self, uid: str) -> bool:
        return not self.pods.are_known or self.workers.may_run(uid)


def _image_manager(of_node: KubeletSettings, runtime: Runtime) -> ImageManager:
    """Raises SettingsError."""
    settings = of_node.image_pulls
    kept: StateFile[PulledState] = StateFile(of_node.root_dir / PULLED, "images on the node count as preloaded")
    pulled = PulledImages(kept, settings)
    config, programs = settings.credential_provider_config, settings.credential_provider_bin_dir
    providers = credential_providers.read_config(Path(config), Path(programs)) if config else ()
    return ImageManager(runtime, CredentialProviders(providers), pulled, most_at_once=settings.max_parallel)
