"""The DNS agent's settings: /etc/podlab/dns.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from podlab import ports
from podlab.tls import Tls


@dataclass(frozen=True)
class DnsSettings:
    """`apiserver` is host:port, or several addresses with commas between; `address` is the Service
    kube-dns', at which each node answers itself.

    `directory` is where the DNS server reads what it is to know. `forwarders`, `stub_domains` (domain to servers) and
    `hosts` (address to names) hold where ConfigMap kube-system/cluster-dns says nothing.
    """

    node_name: str
    apiserver: str
    bind_address: str
    tls: Tls
    port: int = ports.DNS
    address: str = "10.96.0.10"
    domain: str = "cluster.local"
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    directory: Path = Path("/run/podlab-dns")
    forwarders: tuple[str, ...] = ()
    stub_domains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
