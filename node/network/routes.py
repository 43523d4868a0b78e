"""Which routes a node needs, and which changes lead to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podlab.core.v1.node_pb2 import Node


@dataclass(frozen=True)
class RouteChange:
    """Put the route to `cidr` through `gateway`, or remove it when `gateway` is None."""

    cidr: str
    gateway: str | None


def wanted(nodes: Iterable[Node], own_name: str) -> dict[str, str]:
    """For the pods of every other node: CIDR -> that node's address. Nodes without either are left out."""
    routes: dict[str, str] = {}
    for node in nodes:
        address = address_of(node)
        if node.metadata.name != own_name and node.spec.podCIDR and address:
            routes[node.spec.podCIDR] = address
    return routes


def address_of(node: Node) -> str:
    """The node's InternalIP, by which other nodes reach it; empty until its kubelet has written one."""
    return next((each.address for each in node.status.addresses if each.type == "InternalIP"), "")


def changes(current: Mapping[str, str], target: Mapping[str, str]) -> list[RouteChange]:
    """The changes from our current routes to the target."""
    removed = [RouteChange(cidr, None) for cidr in current if cidr not in target]
    added = [RouteChange(cidr, gateway) for cidr, gateway in target.items() if current.get(cidr) != gateway]
    return [*removed, *added]
