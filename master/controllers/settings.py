"""The settings of the controllers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podlab.tls import Tls


@dataclass(frozen=True)
class Signing:
    """The authority that signs approved requests for certificates, as PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class ControllersSettings:
    """`apiserver` is host:port; each node gets a /`node_cidr_mask` of `pod_cidr`.

    Without `signing`, requests for certificates are approved and cleaned away, and left to other signers.
    """

    apiserver: str
    bind_address: str
    tls: Tls
    pod_cidr: str
    port: int = 7445
    node_cidr_mask: int = 24
    # How long a node may be silent before it counts as not ready.
    node_monitor_grace_s: float = 40.0
    signing: Signing | None = None
