"""The proxy's settings: /etc/podlab/proxy.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from podlab import ports
from podlab.tls import Tls


@dataclass(frozen=True)
class ProxySettings:
    """`apiserver` is host:port, or several addresses with commas between; `backend` is auto, nft or
    legacy of iptables, or nftables.

    `node_ip` and `cluster_cidr` may be two, one of each family, with a comma between. `node_port_addresses` are ranges:
    see ProxyNode. `load_balancer_pool` has the addresses of load balancers that nodes answer for. `network_policies` is
    false where the pods' network enforces them.
    """

    node_name: str
    node_ip: str
    apiserver: str
    bind_address: str
    tls: Tls
    port: int = ports.PROXY
    kubelet_port: int = ports.KUBELET
    cluster_cidr: str = "10.244.0.0/16"
    backend: str = "auto"
    node_port_addresses: tuple[str, ...] = ()
    localhost_node_ports: bool = True
    load_balancer_pool: tuple[str, ...] = ()
    network_policies: bool = True
