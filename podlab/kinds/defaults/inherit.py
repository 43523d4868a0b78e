"""What an update takes over from the object it replaces.

A client that sends a manifest again says nothing about what the cluster has given: identity, addresses, node ports.
"""

from typing import Any

from google.protobuf.message import Message

from podlab.core.v1 import service_pb2

_ON_NODES = ("LoadBalancer", "NodePort")
_GIVEN = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def inherit(new: Message, old: Message) -> None:
    """Fill `new`, before defaults are applied to it, with what only the cluster sets."""
    _metadata(new, old)
    if isinstance(new, service_pb2.Service) and isinstance(old, service_pb2.Service):
        _service(new.spec, old.spec)


def _metadata(new: Any, old: Any) -> None:
    metadata, before = new.metadata, old.metadata
    metadata.uid = metadata.uid or before.uid
    metadata.generation = before.generation
    for name in _GIVEN:
        if not before.HasField(name):
            metadata.ClearField(name)
        elif name == "deletionGracePeriodSeconds":
            metadata.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds
        else:
            getattr(metadata, name).CopyFrom(getattr(before, name))


def _service(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    if not new.clusterIP and old.clusterIP:
        new.clusterIP = old.clusterIP
        del new.clusterIPs[:]
    if new.type in _ON_NODES:
        _node_ports(new, old)
    elif old.type in _ON_NODES:
        _leave_nodes(new, old)
    if new.type != "LoadBalancer" and old.type == "LoadBalancer":
        new.ClearField("allocateLoadBalancerNodePorts")


def _leave_nodes(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """Whoever changes only the type does not mean to keep what belonged to the old one."""
    given = {port.nodePort for port in old.ports}
    for port in new.ports:
        if port.nodePort in given:
            port.nodePort = 0
    if new.externalTrafficPolicy == old.externalTrafficPolicy:
        new.externalTrafficPolicy = ""


def _node_ports(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """A port that stays keeps its node port."""
    taken = {(port.protocol or "TCP", port.nodePort) for port in new.ports if port.nodePort}
    before = {(port.protocol or "TCP", port.port): port.nodePort for port in old.ports}
    for port in new.ports:
        protocol = port.protocol or "TCP"
        kept = before.get((protocol, port.port), 0)
        if not port.nodePort and kept and (protocol, kept) not in taken:
            port.nodePort = kept
            taken.add((protocol, kept))
