"""Who may do what: a static policy, as a pure function.

The administrators' group may do everything. Each component has a table of rules. A node may touch only what is its
own: its Node, its Lease, the pods bound to it, and the Secrets and ConfigMaps that these pods use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from master.apiserver.identity import User

ADMINISTRATORS = "system:masters"
NODES = "system:nodes"
NODE_USER_PREFIX = "system:node:"
NODE_LEASES = "kube-node-lease"

READ = frozenset({"get", "list", "watch"})
CHANGE = frozenset({"update", "patch"})
WRITE = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a call wants to do. `fields` are the field selector's exact matches."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    fields: Mapping[str, str] | None = None

    @property
    def path(self) -> str:
        """As rules name it: pods, pods/status."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Rule:
    """These verbs on these resources; `*` stands for every resource, and for no subresource but status."""

    verbs: frozenset[str]
    resources: frozenset[str]
    namespaces: frozenset[str] | None = None

    def allows(self, wanted: Attributes) -> bool:
        """Whether the rule covers the call."""
        if wanted.verb not in self.verbs or (self.namespaces is not None and wanted.namespace not in self.namespaces):
            return False
        return wanted.path in self.resources or ("*" in self.resources and wanted.subresource in ("", "status"))


class NodeBindings(Protocol):
    """What the policy must know of pods."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        """The node that the pod is bound to, empty when it is not; None when there is no such pod."""
        ...

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a pod bound to the node refers to the Secret or ConfigMap."""
        ...


def _rule(verbs: frozenset[str] | set[str], *resources: str, namespaces: frozenset[str] | None = None) -> Rule:
    return Rule(frozenset(verbs), frozenset(resources), namespaces)


_EVENTS = _rule({"get", "create", "update", "patch"}, "events")

COMPONENTS: Mapping[str, tuple[Rule, ...]] = {
    "system:kube-scheduler": (
        _rule(
            READ,
            "namespaces", "nodes", "pods", "services", "configmaps", "events", "deployments", "replicasets",
            "endpointslices", "leases",
        ),
        _rule({"create"}, "pods/binding"),
        _rule({"update", "patch"}, "pods/status"),
        _rule({"create", "update", "patch"}, "leases"),
        _EVENTS,
    ),
    "system:kube-controller-manager": (_rule(READ | WRITE, "*"),),
    "system:kube-proxy": (
        _rule(READ, "services", "endpointslices", "nodes", "namespaces"),
        _EVENTS,
    ),
}  # fmt: skip
# What every node may do, whatever its name.
NODE_RULES = (
    _rule(READ, "services", "endpointslices", "nodes", "namespaces"),
    _EVENTS,
)


def denial(user: User, wanted: Attributes, bindings: NodeBindings) -> str:
    """Why the call is refused, in Kubernetes' words; empty when it is allowed."""
    if ADMINISTRATORS in user.groups:
        return ""
    if any(rule.allows(wanted) for rule in COMPONENTS.get(user.name, ())):
        return ""
    if node := node_of(user):
        if any(rule.allows(wanted) for rule in NODE_RULES) or _is_the_nodes_own(node, wanted, bindings):
            return ""
        return _refusal(user, wanted) + f": node {node!r} may touch only what is its own"
    return _refusal(user, wanted)


def node_of(user: User) -> str:
    """The node whose kubelet the user is; empty for everybody else."""
    if NODES not in user.groups or not user.name.startswith(NODE_USER_PREFIX):
        return ""
    return user.name.removeprefix(NODE_USER_PREFIX)


def _is_the_nodes_own(node: str, wanted: Attributes, bindings: NodeBindings) -> bool:
    match wanted.path:
        case "nodes":
            return wanted.verb in ("create", "update", "patch") and wanted.name == node
        case "nodes/status":
            return wanted.verb in CHANGE and wanted.name == node
        case "leases":
            own = wanted.namespace == NODE_LEASES and wanted.name == node
            return own and wanted.verb in ("get", "create", "update", "patch", "delete")
        case "pods":
            if wanted.verb in ("list", "watch"):
                return (wanted.fields or {}).get("spec.nodeName") == node
            if wanted.verb == "create":
                return True  # which ones, `noderestriction.py` says: that depends on what is in them
            # A pod that is gone: the registry answers NotFound, which is what a kubelet must hear.
            return wanted.verb in ("get", "delete") and bindings.node_of(wanted.namespace, wanted.name) in (node, None)
        case "pods/status":
            return wanted.verb in CHANGE and bindings.node_of(wanted.namespace, wanted.name) in (node, None)
        case "serviceaccounts/token":
            return wanted.verb == "create"  # for which pods, `authentication/issuing.py` says
        case "secrets" | "configmaps":
            name = wanted.name if wanted.verb == "get" else (wanted.fields or {}).get("metadata.name", "")
            return wanted.verb in READ and bindings.uses(node, wanted.resource, wanted.namespace, name)
    return False


def _refusal(user: User, wanted: Attributes) -> str:
    target = f'{_qualified(wanted)} "{wanted.name}"' if wanted.name else _qualified(wanted)
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return (
        f'{target} is forbidden: User "{user.name}" cannot {wanted.verb} resource "{wanted.path}" '
        f'in API group "{wanted.group}" {where}'
    )


def _qualified(wanted: Attributes) -> str:
    return f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
