"""The node authorizer: what a kubelet may do. Pure.

A kubelet may do what every node may, and more with its own objects: its Node, its Lease, the pods bound to it, and the
Secrets, ConfigMaps, volumes and tokens that these pods use. Admission plugin NodeRestriction checks what it writes.
https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from typing import Protocol

from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.default_roles import EVENTS, READ, rule
from master.apiserver.authorization.rules import Role

NODES = "system:nodes"
NODE_USER_PREFIX = "system:node:"
NODE_LEASES = "kube-node-lease"

_UNIFORM = Role(
    [
        rule(READ, "", "services nodes namespaces"),
        rule(READ, "discovery.k8s.io", "endpointslices"),
        rule("get", "", "endpoints"),
        rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews localsubjectaccessreviews"),
        rule(READ, "storage.k8s.io", "csidrivers"),
        rule(READ, "node.k8s.io", "runtimeclasses"),
        EVENTS,
    ]
)
"""What every node may do, whatever its name."""


class Graph(Protocol):
    """Which pods are bound to which node, and which objects they use."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        """The node that the pod is bound to; empty for an unbound pod, None when there is no such pod."""
        ...

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a pod bound to the node refers to the object."""
        ...


def node_of(user: User) -> str:
    """The name of the node when the user is its kubelet; else empty."""
    if NODES not in user.groups or not user.name.startswith(NODE_USER_PREFIX):
        return ""
    return user.name.removeprefix(NODE_USER_PREFIX)


def decide(node: str, wanted: Attributes, graph: Graph) -> tuple[bool, str]:
    """Whether the node may do it, and, when it may not, the reason, which may be empty."""
    why = _own(node, wanted, graph)
    if why is not None:
        return not why, why
    return _UNIFORM.allows(wanted), ""


def _own(node: str, wanted: Attributes, graph: Graph) -> str | None:
    """Why the node may not do it; empty when it may, None for objects that are no node's own."""
    match wanted.group, wanted.resource:
        case "", "pods":
            return _pod(node, wanted, graph)
        case "", "nodes" if wanted.verb in ("create", "update", "patch"):
            return _node(node, wanted)
        case "", "secrets" | "configmaps" | "persistentvolumeclaims" | "persistentvolumes":
            return _used(node, wanted, graph)
        case "resource.k8s.io", "resourceclaims":
            return _used(node, wanted, graph)
        case "resource.k8s.io", "resourceslices":
            return _devices(node, wanted, graph)
        case "", "serviceaccounts":
            return _token(node, wanted, graph)
        case "coordination.k8s.io", "leases":
            return _lease(node, wanted)
        case "storage.k8s.io", "csinodes":
            return _drivers(node, wanted)
        case "storage.k8s.io", "volumeattachments":
            return _used(node, wanted, graph)
    return None


def _node(node: str, wanted: Attributes) -> str:
    if wanted.subresource not in ("", "status"):
        return f'node "{node}" cannot {wanted.verb} subresource "{wanted.subresource}" of nodes'
    # What is created has no name yet: noderestriction sees it.
    if wanted.name == node or (wanted.verb == "create" and not wanted.name and not wanted.subresource):
        return ""
    return f'node "{node}" is not allowed to modify node "{wanted.name}"'


def _lease(node: str, wanted: Attributes) -> str:
    if wanted.verb not in ("get", "create", "update", "patch", "delete"):
        return "can only get, create, update, patch, or delete a node lease"
    if wanted.namespace != NODE_LEASES:
        return f'can only access leases in the "{NODE_LEASES}" system namespace'
    if wanted.name == node or (wanted.verb == "create" and not wanted.name):
        return ""
    return "can only access node lease with the same name as the requesting node"


def _drivers(node: str, wanted: Attributes) -> str:
    if wanted.verb not in ("get", "create", "update", "patch", "delete"):
        return "can only get, create, update, patch, or delete a CSINode"
    if wanted.subresource:
        return "cannot authorize CSINode subresources"
    if wanted.name == node or (wanted.verb == "create" and not wanted.name):
        return ""
    return "can only access CSINode with the same name as the requesting node"


def _devices(node: str, wanted: Attributes, graph: Graph) -> str:
    if wanted.subresource:
        return "cannot authorize ResourceSlice subresources"
    match wanted.verb:
        case "create":  # noderestriction sees whose devices they are
            return ""
        case "get" | "update" | "patch" | "delete":
            if not wanted.name:
                return "No Object name found"
            its = graph.uses(node, wanted.resource, "", wanted.name)
            return "" if its else _unrelated(node)
        case "watch" | "list" | "deletecollection":
            its = (wanted.fields or {}).get("spec.nodeName") == node
            told = "can only list/watch/deletecollection resourceslices with nodeName field selector"
            return "" if its else told
    verbs = "get, watch, list, create, update, patch, delete, deletecollection"
    return f"only the following verbs are allowed for a ResourceSlice: {verbs}"


def _pod(node: str, wanted: Attributes, graph: Graph) -> str:
    match wanted.subresource, wanted.verb:
        case "", "list" | "watch":
            if (wanted.fields or {}).get("spec.nodeName") == node:
                return ""
            if wanted.name and graph.node_of(wanted.namespace, wanted.name) == node:
                return ""
            return "can only list/watch pods with spec.nodeName field selector"
        case "", "create":
            return ""
        case ("", "get" | "delete") | ("status", "get" | "update" | "patch") | ("eviction", "create"):
            return "" if _is_its_pod(node, wanted, graph) else _unrelated(node)
    return f'node "{node}" may not {wanted.verb} {wanted.combined}'


def _is_its_pod(node: str, wanted: Attributes, graph: Graph) -> bool:
    """Whether the pod is bound to the node, or does not exist: then its kubelet must be answered NotFound."""
    return graph.node_of(wanted.namespace, wanted.name) in (node, None)


def _used(node: str, wanted: Attributes, graph: Graph) -> str:
    # Of a claim it may say that its volume has grown: what else it would change, noderestriction refuses.
    tells_size = (wanted.resource, wanted.subresource) == ("persistentvolumeclaims", "status")
    if wanted.subresource and not (tells_size and wanted.verb in ("get", "update", "patch")):
        return "cannot read subresource"
    readable = ("get", "list", "watch") if wanted.resource in ("secrets", "configmaps") else ("get",)
    # Of a volume it may say that it holds data of it: what else it would change, noderestriction refuses.
    says_so = wanted.resource == "persistentvolumes" and wanted.verb == "update"
    if wanted.verb not in readable and not says_so and not tells_size:
        single = len(readable) == 1
        return f"can only {'get individual' if single else 'read'} resources of this type"
    if not wanted.name:
        return "No Object name found"
    used = graph.uses(node, wanted.resource, wanted.namespace, wanted.name)
    return "" if used else _unrelated(node)


def _token(node: str, wanted: Attributes, graph: Graph) -> str:
    if wanted.verb != "create" or not wanted.name:
        return "can only create tokens for individual service accounts"
    if wanted.subresource != "token":
        return "can only create token subresource of serviceaccount"
    used = graph.uses(node, "serviceaccounts", wanted.namespace, wanted.name)
    return "" if used else _unrelated(node)


def _unrelated(node: str) -> str:
    return f"no relationship found between node '{node}' and this object"
