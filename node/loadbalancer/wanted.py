"""Which addresses are to be answered for, and by which nodes: a pure function of Services, EndpointSlices and Nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from node.loadbalancer.decide import CORDONED, NOT_READY, READY
from podlab.api.loadbalancers import EXCLUDED_NODE, addresses, is_ours
from podlab.api.objects import condition
from podlab.api.values.addresspool import AddressPool
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointConditions, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta


@dataclass(frozen=True)
class WantedAddress:
    """`service` is whose it is (namespace, name); `standings` has the nodes that may answer, as `decide` takes them."""

    service: tuple[str, str]
    standings: Mapping[str, int] = field(default_factory=dict)


def standing_of(node: Node) -> int | None:
    """None: it may not answer. https://kubernetes.io/docs/reference/labels-annotations-taints/ says of which."""
    if EXCLUDED_NODE in node.metadata.labels or node.metadata.HasField("deletionTimestamp"):
        return None
    ready = condition(node.status.conditions, "Ready")
    if ready is None or ready.status != "True":
        return NOT_READY
    return CORDONED if node.spec.unschedulable else READY


def wanted_of(
    service: Service, slices: Sequence[EndpointSlice], nodes: Mapping[str, int], pool: AddressPool
) -> dict[str, WantedAddress]:
    """By address; `nodes` has those that may answer for any. Addresses that are not the pool's are others' matter."""
    if not is_ours(service.spec):
        return {}
    may = nodes
    if service.spec.externalTrafficPolicy == "Local":
        ends = nodes_with_endpoints(slices)
        may = {name: standing for name, standing in nodes.items() if name in ends}
    name = (service.metadata.namespace, service.metadata.name)
    return {str(ip_address(each)): WantedAddress(name, may) for each in addresses(service) if pool.range_of(each)}


def nodes_with_endpoints(slices: Iterable[EndpointSlice]) -> frozenset[str]:
    """Those with ready endpoints; where none has, those whose endpoints still serve while they terminate."""
    ready, serving = set(), set()
    for end in (end for each in slices for end in each.endpoints if end.nodeName):
        if end.conditions.ready or not end.conditions.HasField("ready"):
            ready.add(end.nodeName)
        elif _serves_on(end.conditions):
            serving.add(end.nodeName)
    return frozenset(ready or serving)


def addresses_of(nodes: Iterable[Node]) -> frozenset[str]:
    """Their IPv4 addresses in the cluster."""
    found = (each.address for node in nodes for each in node.status.addresses if each.type == "InternalIP")
    return frozenset(address for address in found if ":" not in address)


def trimmed(node: Node) -> Node:
    """What is kept of a Node here."""
    meta = node.metadata
    kept = Node(metadata=ObjectMeta(name=meta.name, resourceVersion=meta.resourceVersion))
    if EXCLUDED_NODE in meta.labels:
        kept.metadata.labels[EXCLUDED_NODE] = meta.labels[EXCLUDED_NODE]
    if meta.HasField("deletionTimestamp"):
        kept.metadata.deletionTimestamp.CopyFrom(meta.deletionTimestamp)
    kept.spec.unschedulable = node.spec.unschedulable
    kept.status.addresses.extend(each for each in node.status.addresses if each.type == "InternalIP")
    ready = condition(node.status.conditions, "Ready")
    if ready is not None:
        kept.status.conditions.add(type="Ready", status=ready.status)
    return kept


def _serves_on(conditions: EndpointConditions) -> bool:
    return conditions.serving and conditions.terminating
