"""The settings of the controllers."""

from __future__ import annotations

from dataclasses import dataclass

from podlab.tls import Tls


@dataclass(frozen=True)
class ControllersSettings:
    """`apiserver` is host:port; each node gets a /`node_cidr_mask` of `pod_cidr`."""

    apiserver: str
    bind_address: str
    tls: Tls
    pod_cidr: str
    port: int = 7445
    node_cidr_mask: int = 24
    # How long a node may be silent before it counts as not ready.
    node_monitor_grace_s: float = 40.0
