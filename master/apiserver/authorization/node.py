"""What a node's kubelet may do: what all nodes may, and what is the node's own. Pure.

Its own are its Node, its Lease, the pods bound to it, and what these pods use: Secrets, ConfigMaps, volumes, tokens
of their service accounts. What depends on an object's content, `noderestriction.py` looks at.
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
    """What must be known of pods."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        """The node that the pod is bound to, empty when it is not; None when there is no such pod."""
        ...

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a pod bound to the node refers to the object."""
        ...


def node_of(user: User) -> str:
    """The node whose kubelet the user is; empty for everybody else."""
    if NODES not in user.groups or not user.name.startswith(NODE_USER_PREFIX):
        return ""
    return user.name.removeprefix(NODE_USER_PREFIX)


def decide(node: str, wanted: Attributes, bindings: Graph) -> tuple[bool, str]:
    """Whether the node may do it; when not, why, or nothing where there is nothing to explain."""
    why = _own(node, wanted, bindings)
    if why is not None:
        return not why, why
    return _UNIFORM.allows(wanted), ""


def _own(node: str, wanted: Attributes, bindings: Graph) -> str | None:
    """Why the node may not do it, empty when it may; None for what is no node's own."""
    match wanted.group, wanted.resource:
        case "", "pods":
            return _pod(node, wanted, bindings)
        case "", "nodes" if wanted.verb in ("create", "update", "patch"):
            return _node(node, wanted)
        case "", "secrets" | "configmaps" | "persistentvolumeclaims" | "persistentvolumes":
            return _used(node, wanted, bindings)
        case "", "serviceaccounts":
            return _token(node, wanted, bindings)
        case "coordination.k8s.io", "leases":
            return _lease(node, wanted)
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


def _pod(node: str, wanted: Attributes, bindings: Graph) -> str:
    match wanted.subresource, wanted.verb:
        case "", "list" | "watch":
            if (wanted.fields or {}).get("spec.nodeName") == node:
                return ""
            if wanted.name and bindings.node_of(wanted.namespace, wanted.name) == node:
                return ""
            return "can only list/watch pods with spec.nodeName field selector"
        case "", "create":
            return ""
        case ("", "get" | "delete") | ("status", "get" | "update" | "patch") | ("eviction", "create"):
            return "" if _holds(node, wanted, bindings) else _unrelated(node)
    return f'node "{node}" may not {wanted.verb} {wanted.combined}'


def _holds(node: str, wanted: Attributes, bindings: Graph) -> bool:
    """Whether the pod is the node's. One that is gone is everybody's: its kubelet must hear NotFound."""
    return bindings.node_of(wanted.namespace, wanted.name) in (node, None)


def _used(node: str, wanted: Attributes, bindings: Graph) -> str:
    if wanted.subresource:
        return "cannot read subresource"
    readable = ("get", "list", "watch") if wanted.resource in ("secrets", "configmaps") else ("get",)
    # Of a volume it may say that it holds data of it: what else it would change, noderestriction refuses.
    says_so = wanted.resource == "persistentvolumes" and wanted.verb == "update"
    if wanted.verb not in readable and not says_so:
        single = len(readable) == 1
        return f"can only {'get individual' if single else 'read'} resources of this type"
    if not wanted.name:
        return "No Object name found"
    used = bindings.uses(node, wanted.resource, wanted.namespace, wanted.name)
    return "" if used else _unrelated(node)


def _token(node: str, wanted: Attributes, bindings: Graph) -> str:
    if wanted.verb != "create" or not wanted.name:
        return "can only create tokens for individual service accounts"
    if wanted.subresource != "token":
        return "can only create token subresource of serviceaccount"
    used = bindings.uses(node, "serviceaccounts", wanted.namespace, wanted.name)
    return "" if used else _unrelated(node)


def _unrelated(node: str) -> str:
    return f"no relationship found between node '{node}' and this object"
