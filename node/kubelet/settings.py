"""The kubelet's settings: /etc/podlab/kubelet.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from node.network.settings import NetworkSettings
from podlab import ports
from podlab.api.values.ipfamilies import listed
from podlab.tls import Tls


@dataclass(frozen=True)
class CapacitySettings:
    """What the node offers to pods. Empty quantities: what the machine has."""

    cpu: str = ""
    memory: str = ""
    pods: int = 110


@dataclass(frozen=True)
class TaintSettings:
    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True)
class KubeletSettings:
    """`apiserver` is host:port, or several addresses with commas between.

    The Lease is renewed four times within its duration.

    `node_ip` and `pod_cidr_cluster` may be two, one of each family, with a comma between.
    """

    node_name: str
    node_ip: str
    apiserver: str
    tls: Tls
    bind_address: str = "0.0.0.0"  # noqa: S104 - mTLS guards it
    port: int = ports.KUBELET
    runtime_endpoint: str = "unix:///run/containerd/containerd.sock"
    root_dir: Path = Path("/var/lib/podlab/kubelet")
    capacity: CapacitySettings = field(default_factory=CapacitySettings)
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[TaintSettings, ...] = ()
    lease_duration_s: int = 40
    pod_cidr_cluster: str = "10.244.0.0/16"
    cluster_dns: str = "10.96.0.10"
    cluster_domain: str = "cluster.local"
    network: NetworkSettings = field(default_factory=NetworkSettings)

    @property
    def node_ips(self) -> tuple[str, ...]:
        """The node's addresses, that of the primary family first."""
        return listed(self.node_ip)
