"""Which server a proxied request is for. Pure.

As ResourceLocation in k8s.io/kubernetes/pkg/registry/core of pods, services and nodes. A port of a pod may be named,
too.
"""

from __future__ import annotations

from ipaddress import ip_address

from master.apiserver.egress.destinations import Address, PodPort, ServiceReference
from master.apiserver.rest.proxy import names
from master.apiserver.rest.proxy.names import Named
from podlab import ports
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, ServiceUnavailable

_DEFAULT_PORTS = dict(zip(names.SCHEMES, (80, 443), strict=True))
_MOST = 65535


def of_pod(pod: Pod, named: Named) -> PodPort:
    """The port of a pod: that which is named, or the first that it says it has, or the scheme's.

    Raises BadRequest for a pod without address, ServiceUnavailable for a port that there cannot be.
    """
    if not _is_proxied(pod.status.podIP):
        raise BadRequest("address not allowed")
    said = [port for container in pod.spec.containers for port in container.ports]
    if not named.port:
        port = said[0].containerPort if said else _DEFAULT_PORTS[named.scheme]
    else:
        by_name = {one.name: one.containerPort for one in said if one.name}
        port = by_name.get(named.port) or _number(named.port)
    return PodPort(pod.metadata.namespace, pod.metadata.name, port)


def of_service(namespace: str, named: Named) -> ServiceReference:
    """The port of a Service, by number or by name; without either that which has no name."""
    is_number = named.port.isascii() and named.port.isdecimal()
    return ServiceReference(namespace, named.name, int(named.port) if is_number else named.port)


def of_node(node: Node, named: Named) -> Address | None:
    """A port of a node's host; None is its kubelet's own. Raises BadRequest, ServiceUnavailable."""
    kubelet = node.status.daemonEndpoints.kubeletEndpoint.Port or ports.KUBELET_HTTPS
    if not named.port or (port := _number(named.port)) == kubelet:
        return None
    host = next((one.address for one in node.status.addresses if one.type == "InternalIP"), "")
    if not host:
        raise ServiceUnavailable(f'node "{node.metadata.name}" has no InternalIP in its status yet')
    if not _is_proxied(host):  # nodes say their addresses themselves
        raise BadRequest("address not allowed")
    return Address(host, port)


def _is_proxied(address: str) -> bool:
    """Whether it is one that proxies may lead to: none of the API server's own host."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified)


def _number(port: str) -> int:
    if port.isascii() and port.isdecimal() and len(port) <= len(str(_MOST)) and 1 <= int(port) <= _MOST:
        return int(port)
    raise ServiceUnavailable(f"error trying to reach service: dial tcp: lookup tcp/{port}: unknown port")
