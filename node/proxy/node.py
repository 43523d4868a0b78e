"""The node that rules of one family are for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from node.family import IPV4, Family


@dataclass(frozen=True)
class ProxyNode:
    """Name, addresses and zone of the node, the range of its pods, and that of all pods (empty: not known).

    `node_port_addresses` are the ranges of those of its addresses at which node ports are open; none: all of them.
    With `localhost_node_ports` they are open at 127.0.0.0/8 too, where the backend can do that.
    """

    name: str
    cluster_cidr: str
    addresses: frozenset[str] = frozenset()
    zone: str = ""
    pod_cidr: str = ""
    node_port_addresses: tuple[str, ...] = ()
    localhost_node_ports: bool = False
    family: Family = IPV4
