"""What the cluster's own components may do: no more than their loops do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from master.apiserver.authorization.default_roles import EVENTS, READ, binding, mark, role, rule
from podlab.api.kinds import RBAC
from podlab.kinds.catalog import Catalog
from podlab.rbac.v1 import rbac_pb2

DNS_USER = "system:podlab-dns"
INGRESS_USER = "system:podlab-ingress"

_LEASES = "coordination.k8s.io"
_REVIEWS = (
    rule("create", "authentication.k8s.io", "tokenreviews"),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
)


def _leader(name: str) -> tuple[rbac_pb2.PolicyRule, ...]:
    """Of our own is `list watch`: who waits for a Lease sees at once that it is given up."""
    return rule("create", _LEASES, "leases"), rule("get list update watch", _LEASES, "leases", name)


def _every_kind(catalog: Catalog, verbs: str) -> Iterator[rbac_pb2.PolicyRule]:
    """All kinds by name: `*` would be their subresources too, and so exec and tokens."""
    by_group: defaultdict[str, list[str]] = defaultdict(list)
    for kind in catalog.stored:
        by_group[kind.group].append(kind.plural)
    for group, plurals in by_group.items():
        yield rule(verbs, group, " ".join(dict.fromkeys(plurals)))


_CONTROLLERS = (
    # Informers follow whatever discovery tells of, aggregated kinds among it; these verbs open no streams.
    rule("list watch", "*", "*"),
    rule("create", "", "configmaps endpoints persistentvolumeclaims persistentvolumes pods secrets serviceaccounts"),
    # Secrets of type kubernetes.io/service-account-token are filled.
    rule("create", "", "serviceaccounts/token"),
    rule("create", "apps", "controllerrevisions replicasets"),
    rule("create", "batch", "jobs"),
    rule("create", "discovery.k8s.io", "endpointslices"),
    rule("create", "resource.k8s.io", "resourceclaims"),
    rule("create", "storage.k8s.io", "volumeattachments"),
    rule("patch update", "resource.k8s.io", "resourceclaims/binding resourceclaims/status"),
    rule("patch update", "", "namespaces/finalize namespaces/status nodes/status persistentvolumeclaims/status"),
    rule("patch update", "", "persistentvolumes/status pods/status replicationcontrollers/status"),
    rule("patch update", "", "resourcequotas/status services/status"),
    rule("get patch update", "", "replicationcontrollers/scale"),
    rule("patch update", "apps", "daemonsets/status deployments/status replicasets/status statefulsets/status"),
    rule("get patch update", "apps", "deployments/scale replicasets/scale statefulsets/scale"),
    rule("patch update", "autoscaling", "horizontalpodautoscalers/status"),
    rule("patch update", "batch", "cronjobs/status jobs/status"),
    rule("patch update", "policy", "poddisruptionbudgets/status"),
    rule("patch update", "networking.k8s.io", "ingresses/status servicecidrs/status"),
    rule("patch update", "certificates.k8s.io", "certificatesigningrequests/status"),
    rule("patch update", "certificates.k8s.io", "certificatesigningrequests/approval"),
    rule("approve sign", "certificates.k8s.io", "signers"),
    rule(READ, "metrics.k8s.io", "pods"),
    # What is aggregated from other roles, its controller has not got itself.
    rule("escalate", RBAC, "clusterroles"),
    *_leader("kube-controller-manager"),
    *_REVIEWS,
    EVENTS,
)

_OTHERS = (
    role(
        "system:kube-scheduler",
        *_leader("kube-scheduler"),
        rule(READ, "", "namespaces nodes persistentvolumeclaims persistentvolumes replicationcontrollers services"),
        rule(f"{READ} delete", "", "pods"),
        rule("create", "", "bindings pods/binding"),
        rule("patch update", "", "pods/status"),
        rule(READ, "apps", "replicasets statefulsets"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule(READ, "scheduling.k8s.io", "priorityclasses"),
        rule(READ, "storage.k8s.io", "csidrivers csinodes csistoragecapacities volumeattachments"),
        rule(READ, "resource.k8s.io", "deviceclasses resourceclaims resourceslices"),
        rule("create delete patch update", "resource.k8s.io", "resourceclaims"),
        rule("patch update", "resource.k8s.io", "resourceclaims/binding resourceclaims/status"),
        *_REVIEWS,
        EVENTS,
    ),
    role(
        "system:volume-scheduler",
        rule(f"{READ} patch update", "", "persistentvolumeclaims persistentvolumes"),
        rule(READ, "storage.k8s.io", "storageclasses"),
    ),
    role(
        "system:node-proxier",
        rule("list watch", "", "endpoints services"),
        rule(READ, "", "nodes"),
        rule("list watch", "discovery.k8s.io", "endpointslices"),
        rule("list watch", "networking.k8s.io", "servicecidrs"),
        EVENTS,
    ),
    # Of our own: in Kubernetes whoever brings the network brings this role, too.
    role(
        "podlab:network-policies",
        rule("list watch", "", "namespaces pods"),
        rule("list watch", "networking.k8s.io", "networkpolicies"),
    ),
    role(
        "system:node-bootstrapper",
        rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    ),
    role(
        "system:kubelet-api-admin",
        rule(f"{READ} proxy", "", "nodes"),
        rule("*", "", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    ),
    # Nobody has it: what a node may do is in `node.py`.
    role(
        "system:node",
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
        rule(READ, "", "services"),
        rule(f"{READ} create patch update", "", "nodes"),
        rule("patch update", "", "nodes/status pods/status"),
        rule("get patch update", "", "persistentvolumeclaims/status"),
        rule(f"{READ} create delete", "", "pods"),
        rule("create", "", "pods/eviction serviceaccounts/token"),
        rule(READ, "", "configmaps secrets"),
        rule("get", "", "endpoints persistentvolumeclaims persistentvolumes"),
        rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
        rule("create delete get patch update", _LEASES, "leases"),
        rule(READ, "storage.k8s.io", "csidrivers"),
        rule("create delete get patch update", "storage.k8s.io", "csinodes"),
        rule("get", "storage.k8s.io", "volumeattachments"),
        rule(READ, "node.k8s.io", "runtimeclasses"),
        rule("get", "resource.k8s.io", "resourceclaims"),
        rule(f"{READ} create delete deletecollection patch update", "resource.k8s.io", "resourceslices"),
        EVENTS,
    ),
    # Nobody has these either, until somebody binds them to what it runs.
    role("system:kube-aggregator", rule(READ, "", "endpoints services")),
    role(
        "system:kube-dns",
        rule("list watch", "", "endpoints services"),
    ),
    role(
        "system:node-problem-detector",
        rule("get", "", "nodes"),
        rule("patch", "", "nodes/status"),
        EVENTS,
    ),
    role(
        "podlab:dns",
        rule(READ, "", "services namespaces"),
        rule(READ, "discovery.k8s.io", "endpointslices"),
    ),
    # Of Secrets it reads those that Ingresses name: see `ingress.py`.
    role(
        "podlab:ingress",
        rule(READ, "networking.k8s.io", "ingresses ingressclasses"),
        rule("create", "networking.k8s.io", "ingressclasses"),
        rule("patch update", "networking.k8s.io", "ingresses/status"),
        rule("list watch", "", "nodes services"),
        rule("list watch", "discovery.k8s.io", "endpointslices"),
        EVENTS,
    ),
    role(
        "system:persistent-volume-provisioner",
        rule(f"{READ} create delete", "", "persistentvolumes"),
        rule(f"{READ} update", "", "persistentvolumeclaims"),
        rule(READ, "storage.k8s.io", "storageclasses"),
        rule("watch", "", "events"),
        EVENTS,
    ),
)


RETIRED: Mapping[str, tuple[rbac_pb2.PolicyRule, ...]] = {
    "podlab:ingress": (rule("list watch", "", "nodes secrets services"),),
}
"""By role, rules that an earlier release gave it: an upgrade takes them away."""


def component_roles(catalog: Catalog) -> tuple[rbac_pb2.ClusterRole, ...]:
    """The garbage collector and namespaces' end may meet any kind; a change is one of owners and finalizers."""
    every_kind = _every_kind(catalog, f"{READ} delete deletecollection patch update")
    return role("system:kube-controller-manager", *every_kind, *_CONTROLLERS), *_OTHERS


COMPONENT_BINDINGS = (
    binding("system:kube-controller-manager", users="system:kube-controller-manager"),
    binding("system:kube-scheduler", users="system:kube-scheduler"),
    binding("system:volume-scheduler", users="system:kube-scheduler"),
    binding("system:node-proxier", users="system:kube-proxy"),
    binding("podlab:dns", users=DNS_USER),
    binding("podlab:ingress", users=INGRESS_USER),
    binding("podlab:network-policies", users="system:kube-proxy"),
    binding("system:node"),
)


def _kube_system() -> Iterator[rbac_pb2.Role | rbac_pb2.RoleBinding]:
    """What there is in namespace kube-system: how callers are known, and whom the cluster's DNS asks."""
    reader = "extension-apiserver-authentication-reader"
    readers = ("system:kube-controller-manager", "system:kube-scheduler")
    yield from _reads_config_map("extension-apiserver-authentication", (reader, f"system::{reader}"), readers)
    yield from _reads_config_map("cluster-dns", ("podlab:dns", "podlab:dns"), (DNS_USER,))


def _reads_config_map(
    config_map: str, names: tuple[str, str], users: Iterable[str]
) -> Iterator[rbac_pb2.Role | rbac_pb2.RoleBinding]:
    """A role that lets these users read the ConfigMap, and its binding, under these names."""
    readable = rule(READ, "", "configmaps", config_map)
    allowed, bound = rbac_pb2.Role(rules=[readable]), rbac_pb2.RoleBinding()
    bound.roleRef.CopyFrom(rbac_pb2.RoleRef(apiGroup=RBAC, kind="Role", name=names[0]))
    for user in users:
        bound.subjects.add(kind="User", apiGroup=RBAC, name=user)
    marked: tuple[rbac_pb2.Role | rbac_pb2.RoleBinding, ...] = (allowed, bound)
    for made, name in zip(marked, names, strict=True):
        mark(made, name)
        made.metadata.namespace = "kube-system"
        yield made


KUBE_SYSTEM = tuple(_kube_system())
