"""Where a node and its kubelet are. Pure."""

from __future__ import annotations

from master.apiserver.egress.kubelet.target import Target
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab import ports
from podlab.api import kinds
from podlab.api.selection.labels import KUBELET_PORT_ANNOTATION
from podlab.core.v1.node_pb2 import Node
from podlab.errors import NotFound, ServiceUnavailable

_NODE = kinds.of(Node)


def address(cache: Cache, name: str) -> str:
    """The node's address within the cluster. Raises NotFound, ServiceUnavailable when the node says none."""
    return _address(_node(cache, name))


def kubelet(cache: Cache, name: str) -> Target:
    """The kubelet of a node, which has to show the node's name in its certificate. Raises as `address`."""
    node = _node(cache, name)
    return Target(f'the kubelet of node "{name}"', f"{_address(node)}:{port(node)}", name)


def _node(cache: Cache, name: str) -> Node:
    entry = cache.get(_NODE, keys.object_key(_NODE, "", name))
    if entry is None:
        raise NotFound.of("nodes", name)
    return entry.message_as(Node)


def port(node: Node) -> int:
    """Of its gRPC. Kubelets of releases that had no HTTPS told it as their kubelet's port."""
    told = node.metadata.annotations.get(KUBELET_PORT_ANNOTATION, "")
    if told.isascii() and told.isdecimal():
        return int(told)
    return node.status.daemonEndpoints.kubeletEndpoint.Port or ports.KUBELET


def _address(node: Node) -> str:
    host = next((one.address for one in node.status.addresses if one.type == "InternalIP"), "")
    if not host:
        raise ServiceUnavailable(
            f'node "{node.metadata.name}" has no InternalIP in its status yet; is its kubelet running?'
        )
    return host
