"""The settings of the controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from podlab import ports
from podlab.settings import SettingsError
from podlab.tls import Tls


@dataclass(frozen=True)
class SigningSettings:
    """The authority that signs approved requests for certificates, as PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class EvictionSettings:
    """How many nodes a second pods are evicted from, in each zone.

    Where `unhealthy_zone_share` of a zone's nodes are out it is the secondary rate, or none at all in a zone of no more
    than `large_zone_nodes`. (kube-controller-manager: --node-eviction-rate, --secondary-node-eviction-rate,
    --unhealthy-zone-threshold, --large-cluster-size-threshold)
    """

    nodes_per_s: float = 0.1
    secondary_nodes_per_s: float = 0.01
    unhealthy_zone_share: float = 0.55
    large_zone_nodes: int = 50


@dataclass(frozen=True)
class ControllersSettings:
    """`apiserver` is host:port, or several addresses with commas between; each node gets a /`node_cidr_mask` of
    `pod_cidr`, which may be a network of each family with a comma between; of one of IPv6 it is a
    /`node_cidr_mask_ipv6`.

    Load balancers of Services get addresses of `load_balancer_pool`: addresses, ranges and networks.
    Without `signing`, requests for certificates are approved and cleaned away, and left to other signers.
    """

    apiserver: str
    bind_address: str
    tls: Tls
    pod_cidr: str
    port: int = ports.CONTROLLERS
    node_cidr_mask: int = 24
    node_cidr_mask_ipv6: int = 64
    # After so long without a word of the one that leads, another does; one alone waits for itself.
    lease_duration_s: int = 15
    # How long a node may be silent before it counts as not ready.
    node_monitor_grace_s: float = 40.0
    eviction: EvictionSettings = field(default_factory=EvictionSettings)
    signing: SigningSettings | None = None
    load_balancer_pool: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        if self.lease_duration_s < 1:
            raise SettingsError(f"lease_duration_s: {self.lease_duration_s} is not 1 or more")
