"""Where an Ingress says that it is served: the addresses of those nodes that do, and are Ready. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from podlab.core.v1.node_pb2 import Node
from podlab.networking.v1.ingress_pb2 import Ingress, IngressLoadBalancerIngress


def addresses(hosts: Mapping[str, str], nodes: Iterable[Node]) -> list[str]:
    """In the order of `hosts`, name to address: every agent finds the same.

    A node that has an address of the other IP family in the cluster is reached at that, too.
    """
    ready = {node.metadata.name: node for node in nodes if _ready(node)}
    served = [(address, ready[name]) for name, address in hosts.items() if name in ready]
    return [each for address, node in served for each in (address, *_of_other_family(address, node))]


def _of_other_family(address: str, node: Node) -> Iterator[str]:
    internal = (each.address for each in node.status.addresses if each.type == "InternalIP")
    return (each for each in internal if (":" in each) != (":" in address))


def _ready(node: Node) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in node.status.conditions)


def changed(ingress: Ingress, wanted: Iterable[str]) -> Ingress | None:
    """The Ingress with these addresses; None where it has them."""
    points = [IngressLoadBalancerIngress(ip=each) for each in wanted]
    if list(ingress.status.loadBalancer.ingress) == points:
        return None
    made = Ingress()
    made.CopyFrom(ingress)
    del made.status.loadBalancer.ingress[:]
    made.status.loadBalancer.ingress.extend(points)
    return made
