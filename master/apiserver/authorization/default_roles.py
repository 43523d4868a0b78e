"""The roles that every cluster begins with, and who has them, as Kubernetes 1.36 has them for what Podlab serves.

Users' roles are here; what the cluster's own components may do is in `component_roles.py`. `app/default_rbac.py` puts
them into the store. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.kinds import RBAC, GroupResource
from podlab.kinds.catalog import Catalog
from podlab.kinds.subresource import (
    ATTACH,
    EVICTION,
    EXEC,
    LOG,
    POD_PROXY,
    PORT_FORWARD,
    SCALE,
    SERVICE_PROXY,
    STATUS,
    TOKEN,
    Subresource,
)
from podlab.rbac.v1 import rbac_pb2

READ = "get list watch"
WRITE = "create delete deletecollection patch update"

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_BOOTSTRAPPING = ("kubernetes.io/bootstrapping", "rbac-defaults")
_AGGREGATE_TO = f"{RBAC}/aggregate-to-"


_Marked = rbac_pb2.ClusterRole | rbac_pb2.ClusterRoleBinding | rbac_pb2.Role | rbac_pb2.RoleBinding


def rule(verbs: str, groups: str, resources: str, *names: str) -> rbac_pb2.PolicyRule:
    """A rule from words; the core group is the empty text."""
    return rbac_pb2.PolicyRule(
        verbs=verbs.split(), apiGroups=groups.split(",") if groups else [""], resources=resources.split(),
        resourceNames=names,
    )  # fmt: skip


def paths(urls: str) -> rbac_pb2.PolicyRule:
    """A rule that lets read what is no resource."""
    return rbac_pb2.PolicyRule(verbs=["get"], nonResourceURLs=urls.split())


def role(name: str, *rules: rbac_pb2.PolicyRule, part_of: str = "", gathers: str = "") -> rbac_pb2.ClusterRole:
    """A default ClusterRole: part of another one, or gathering those that are parts of it."""
    made = rbac_pb2.ClusterRole(rules=rules)
    mark(made, name)
    if part_of:
        made.metadata.labels[_AGGREGATE_TO + part_of] = "true"
    if gathers:
        made.aggregationRule.clusterRoleSelectors.add().matchLabels[_AGGREGATE_TO + gathers] = "true"
    return made


def binding(role_name: str, *, users: str = "", groups: str = "", accounts: str = "") -> rbac_pb2.ClusterRoleBinding:
    """A default ClusterRoleBinding, which is named as its role; `accounts` are those of kube-system."""
    made = rbac_pb2.ClusterRoleBinding()
    mark(made, role_name)
    made.roleRef.CopyFrom(rbac_pb2.RoleRef(apiGroup=RBAC, kind="ClusterRole", name=role_name))
    for kind, names in (("User", users), ("Group", groups)):
        for name in names.split():
            made.subjects.add(kind=kind, apiGroup=RBAC, name=name)
    for name in accounts.split():
        made.subjects.add(kind="ServiceAccount", namespace="kube-system", name=name)
    return made


def mark(made: _Marked, name: str) -> None:
    """Give it its name, and what tells that it is kept."""
    made.metadata.name = name
    made.metadata.labels[_BOOTSTRAPPING[0]] = _BOOTSTRAPPING[1]
    made.metadata.annotations[AUTOUPDATE] = "true"


EVENTS = rule("create patch update", ",events.k8s.io", "events")

# By group, which kinds one may view and edit in a namespace; their subresources are those that the kinds' files name.
_VIEWED = (
    ("", "configmaps endpoints persistentvolumeclaims pods replicationcontrollers serviceaccounts services"),
    ("", "bindings events limitranges namespaces resourcequotas"),
    ("discovery.k8s.io", "endpointslices"),
    ("apps", "controllerrevisions daemonsets deployments replicasets statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("policy", "poddisruptionbudgets"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates"),
)
_EDITED = (
    ("", "configmaps events persistentvolumeclaims pods replicationcontrollers secrets serviceaccounts services"),
    ("apps", "daemonsets deployments replicasets statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("policy", "poddisruptionbudgets"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates"),
)
_VIEWED_BELOW = (LOG, SCALE, STATUS)
_CONNECTED_BELOW = (ATTACH, EXEC, PORT_FORWARD, POD_PROXY, SERVICE_PROXY)
_CREATED_BELOW = (EVICTION, TOKEN)
_METRICS = rule(READ, "metrics.k8s.io", "pods nodes")


def _below(catalog: Catalog, group: str, plurals: str, wanted: tuple[Subresource, ...]) -> str:
    """Those of the subresources that the kinds have, as rules name them."""
    found = (catalog.of_group_resource(GroupResource(group, plural)) for plural in plurals.split())
    return " ".join(
        f"{kind.plural}/{one.name}"
        for kind in found
        if kind is not None
        for one in catalog.resource(kind).subresources
        if one in wanted
    )


def _viewed(catalog: Catalog) -> Iterator[rbac_pb2.PolicyRule]:
    for group, plurals in _VIEWED:
        yield rule(READ, group, f"{plurals} {_below(catalog, group, plurals, _VIEWED_BELOW)}")


def _edited(catalog: Catalog) -> Iterator[rbac_pb2.PolicyRule]:
    for group, plurals in _EDITED:
        yield rule(WRITE, group, f"{plurals} {_below(catalog, group, plurals, (SCALE, *_CONNECTED_BELOW))}")
        if read := _below(catalog, group, plurals, _CONNECTED_BELOW):
            yield rule(READ, group, read)
        if created := _below(catalog, group, plurals, _CREATED_BELOW):
            yield rule("create", group, created)
    yield rule(READ, "", "secrets")
    yield rule("impersonate", "", "serviceaccounts")
    yield rule(f"{READ} {WRITE}", "coordination.k8s.io", "leases")


_ADMINISTERED = (
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    rule(f"{READ} {WRITE}", RBAC, "rolebindings roles"),
)

_CERTIFICATES = "certificates.k8s.io"


def _approver(signer: str) -> rbac_pb2.ClusterRole:
    name = f"system:{_CERTIFICATES}:{signer}-approver"
    return role(name, rule("approve", _CERTIFICATES, "signers", f"kubernetes.io/{signer}"))


_SAME = (
    role(
        "cluster-admin",
        rule("*", "*", "*"),
        rbac_pb2.PolicyRule(verbs=["*"], nonResourceURLs=["*"]),
    ),
    role("admin", gathers="admin"),
    role("edit", part_of="admin", gathers="edit"),
    role("view", part_of="edit", gathers="view"),
    role("system:aggregate-to-admin", *_ADMINISTERED, part_of="admin"),
    role("system:aggregated-metrics-reader", _METRICS, part_of="view"),
    role(
        "system:basic-user",
        rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ),
    role(
        "system:discovery",
        paths("/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"),
    ),
    role("system:public-info-viewer", paths("/healthz /livez /readyz /version /version/")),
    role(
        "system:monitoring",
        paths("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"),
    ),
    role("system:service-account-issuer-discovery", paths("/.well-known/openid-configuration /openid/v1/jwks")),
    role(
        "system:auth-delegator",
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ),
    role(f"system:{_CERTIFICATES}:certificatesigningrequests:nodeclient",
         rule("create", _CERTIFICATES, "certificatesigningrequests/nodeclient")),
    role(f"system:{_CERTIFICATES}:certificatesigningrequests:selfnodeclient",
         rule("create", _CERTIFICATES, "certificatesigningrequests/selfnodeclient")),
    _approver("kube-apiserver-client"),
    _approver("kube-apiserver-client-kubelet"),
    _approver("kubelet-serving"),
    _approver("legacy-unknown"),
)  # fmt: skip


def user_roles(catalog: Catalog) -> tuple[rbac_pb2.ClusterRole, ...]:
    """What users may have, of the kinds that there are."""
    return (
        role("system:aggregate-to-edit", *_edited(catalog), part_of="edit"),
        role("system:aggregate-to-view", *_viewed(catalog), part_of="view"),
        *_SAME,
    )


USER_BINDINGS = (
    binding("cluster-admin", groups="system:masters"),
    binding("system:basic-user", groups="system:authenticated"),
    binding("system:discovery", groups="system:authenticated"),
    binding("system:public-info-viewer", groups="system:authenticated system:unauthenticated"),
    binding("system:monitoring", groups="system:monitoring"),
    binding("system:service-account-issuer-discovery", groups="system:serviceaccounts"),
)
