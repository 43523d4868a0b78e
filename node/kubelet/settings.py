"""The kubelet's settings: /etc/podlab/kubelet.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from node.network.settings import NetworkSettings
from podlab import ports
from podlab.api.values.ipfamilies import listed
from podlab.settings import SettingsError
from podlab.tls import Tls


@dataclass(frozen=True)
class CapacitySettings:
    """What the node offers to pods. Empty quantities: what the machine has."""

    cpu: str = ""
    memory: str = ""
    pods: int = 110


NONE, STATIC = "none", "static"


@dataclass(frozen=True)
class CpuManagerSettings:
    """`static` gives containers of Guaranteed pods that ask for whole processors those for themselves, but never the
    `reserved_cpus` ("0-1,4"), which the node does not offer either."""

    policy: str = NONE
    reserved_cpus: str = ""


@dataclass(frozen=True)
class SwapSettings:
    """How much of the node's swap pods may use: nothing, or, with `LimitedSwap`, containers of Burstable pods as large
    a part as they ask for of the memory. With `fail_on` the kubelet does not start while the node has swap."""

    behavior: str = "NoSwap"
    fail_on: bool = False


CONTAINER, POD = "container", "pod"


@dataclass(frozen=True)
class TopologyManagerSettings:
    """Whether what a container has for itself, processors and devices, is to come from NUMA nodes near to each other:
    `best-effort` where that can be, else `restricted` and `single-numa-node` refuse the pod. `scope`: each container
    by itself, or all of a pod together."""

    policy: str = NONE
    scope: str = CONTAINER


@dataclass(frozen=True)
class TaintSettings:
    key: str
    effect: str
    value: str = ""


HARD_THRESHOLDS = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
    "pid.available": "1000",
}
"""Kubernetes' defaults, and for process ids, of which it has none, what keeps the node itself going."""


@dataclass(frozen=True)
class EvictionSettings:
    """Of which signal how little is too little: quantities, or shares of the capacity ("10%").

    A soft threshold evicts once it has been met for its grace period. A condition that was true stays so for the
    transition period. Pods that a soft threshold ends get at most `max_pod_grace_period_s`.
    """

    hard: dict[str, str] = field(default_factory=lambda: dict(HARD_THRESHOLDS))
    soft: dict[str, str] = field(default_factory=dict)
    soft_grace_period_s: dict[str, float] = field(default_factory=dict)
    minimum_reclaim: dict[str, str] = field(default_factory=dict)
    max_pod_grace_period_s: int = 0
    pressure_transition_period_s: float = 300.0


@dataclass(frozen=True)
class ImageGcSettings:
    """Unused images go, the longest unused first, when more than `high_percent` of their filesystem is in use, until it
    is `low_percent`. An image is kept for `minimum_age_s` after it was first seen."""

    high_percent: int = 85
    low_percent: int = 80
    minimum_age_s: float = 120.0


NEVER_VERIFY = "NeverVerify"
NEVER_VERIFY_PRELOADED = "NeverVerifyPreloadedImages"
NEVER_VERIFY_ALLOWLISTED = "NeverVerifyAllowlistedImages"
ALWAYS_VERIFY = "AlwaysVerify"
VERIFICATIONS = (NEVER_VERIFY, NEVER_VERIFY_PRELOADED, NEVER_VERIFY_ALLOWLISTED, ALWAYS_VERIFY)


@dataclass(frozen=True)
class ImagePullSettings:
    """So many pulls run side by side; 0: as many as there are. The plugins of `credential_provider_config`, a
    CredentialProviderConfig, are programs in the directory `credential_provider_bin_dir`; without it there are none.

    `credentials_verification` says of which images that are on the node a pod has to show that it may pull them, and is
    one of VERIFICATIONS; the list is of repositories that NeverVerifyAllowlistedImages means, with * for any part."""

    max_parallel: int = 0
    credential_provider_config: str = ""
    credential_provider_bin_dir: str = "/usr/local/libexec/podlab/credential-providers"
    credentials_verification: str = NEVER_VERIFY_PRELOADED
    credentials_verification_allowlist: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        if self.credentials_verification not in VERIFICATIONS:
            wanted, found = ", ".join(VERIFICATIONS), self.credentials_verification
            raise SettingsError(f"image_pulls.credentials_verification: {found!r} is none of {wanted}")


@dataclass(frozen=True)
class ShutdownPriority:
    """Pods of this priority and above, up to the next one's, get so long."""

    priority: int
    grace_period_s: int


@dataclass(frozen=True)
class ShutdownSettings:
    """For how long a shutdown of the host waits for pods, the last part of it for system-critical ones; 0: it does
    not. Or by priority, each class in turn."""

    grace_period_s: int = 0
    critical_grace_period_s: int = 0
    by_priority: tuple[ShutdownPriority, ...] = ()


@dataclass(frozen=True)
class LogSettings:
    """How large a container's log may get before it is rotated, a quantity, and how many files it may be."""

    max_size: str = "10Mi"
    max_files: int = 5


@dataclass(frozen=True)
class KubeletSettings:
    """`apiserver` is host:port, or several addresses with commas between; without it the kubelet is alone, and runs
    only the pods that the files in `static_pod_dir` describe. Nobody calls it then, and it needs no `tls`.

    The Lease is renewed four times within its duration.

    `node_ip` and `pod_cidr_cluster` may be two, one of each family, with a comma between.
    """

    node_name: str
    node_ip: str
    apiserver: str = ""
    tls: Tls | None = None
    bind_address: str = "0.0.0.0"  # noqa: S104 - mTLS guards it
    port: int = ports.KUBELET
    """Of gRPC, for API servers alone."""
    https_port: int = ports.KUBELET_HTTPS
    """Where agents ask as they ask Kubernetes' kubelets."""
    runtime_endpoint: str = "unix:///run/containerd/containerd.sock"
    root_dir: Path = Path("/var/lib/podlab/kubelet")
    kubernetes_dir: Path = Path("/var/lib/kubelet")
    """Where device plugins and monitoring agents of others look for the kubelet's sockets."""
    static_pod_dir: Path = Path("/etc/podlab/manifests")
    capacity: CapacitySettings = field(default_factory=CapacitySettings)
    cpu_manager: CpuManagerSettings = field(default_factory=CpuManagerSettings)
    topology_manager: TopologyManagerSettings = field(default_factory=TopologyManagerSettings)
    swap: SwapSettings = field(default_factory=SwapSettings)
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[TaintSettings, ...] = ()
    lease_duration_s: int = 40
    pod_cidr_cluster: str = "10.244.0.0/16"
    cluster_dns: str = "10.96.0.10"
    cluster_domain: str = "cluster.local"
    seccomp_default: bool = False
    """Containers that ask for no seccomp profile have the runtime's."""
    single_process_oom_kill: bool | None = None
    """When a container has used up its memory, the kernel ends one of its processes, not all. None: what the kernel
    can do better, with cgroup v2, it does."""
    runtime_request_timeout_s: float = 120.0
    """How long a request to the runtime may take; those for sandboxes may take twice as long."""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    eviction: EvictionSettings = field(default_factory=EvictionSettings)
    image_gc: ImageGcSettings = field(default_factory=ImageGcSettings)
    image_pulls: ImagePullSettings = field(default_factory=ImagePullSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)

    @property
    def node_ips(self) -> tuple[str, ...]:
        """The node's addresses, that of the primary family first."""
        return listed(self.node_ip)
