"""What the pod workers of a node share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from node.kubelet.admission.pod_admission import PodAdmission
from node.kubelet.cgroups.pod_cgroups import PodCgroups
from node.kubelet.containerconfig.linux_resources import NodeMemory
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.containerconfig.user_namespaces import UserNamespaces
from node.kubelet.cpus.manager import CpuManager
from node.kubelet.cri.runtime import Runtime
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.dynamicresources.manager import DynamicResources
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.figures import KubeletFigures
from node.kubelet.images.image_manager import ImageManager
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.config_objects import ConfigObjectManager
from node.kubelet.volume.csi.volumes import CsiVolumes
from node.kubelet.volume.image_volumes import ImageVolumes
from node.kubelet.volume.token_manager import TokenManager
from node.kubelet.volume.volume_manager import VolumeManager
from node.kubelet.worker.start_limiter import StartLimiter
from node.resolvconf import ClusterDns
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import service_pb2
from podlab.meta.v1 import meta_pb2
from podlab.spans.spans import Spans

# On a small machine more starts at once make no pod ready sooner.
MAX_STARTS = 4


@dataclass(frozen=True)
class WorkerTimings:
    """How often a worker measures a limited pod's disk usage, and its first pause after a sandbox that failed."""

    storage_period_s: float = 10.0
    first_sandbox_retry_s: int = 1


@dataclass
class NodeContext:
    """`services` gives those that are known now; `allocatable` is what the node offers to pods."""

    node_name: str
    node_ips: tuple[str, ...]
    """One of each family at most, that of the primary one first."""
    memory: NodeMemory
    allocatable: Mapping[str, meta_pb2.Quantity]
    client: Client
    runtime: Runtime
    recorder: EventRecorder
    images: ImageManager
    admission: PodAdmission
    volumes: VolumeManager
    user_namespaces: UserNamespaces
    cgroups: PodCgroups
    ephemeral_storage: EphemeralStorageMonitor
    claims: ClaimReader
    csi: CsiVolumes
    image_volumes: ImageVolumes
    dynamic_resources: DynamicResources
    devices: DeviceManager
    cpus: CpuManager
    config_objects: ConfigObjectManager
    tokens: TokenManager
    services: Callable[[], list[service_pb2.Service]]
    cluster_dns: ClusterDns
    seccomp: SeccompProfiles
    timings: WorkerTimings = WorkerTimings()
    spans: Spans = field(default_factory=Spans)
    figures: KubeletFigures = field(default_factory=KubeletFigures)
    start_limiter: StartLimiter = field(default_factory=lambda: StartLimiter(MAX_STARTS))
