"""The roles that every cluster begins with, and who has them, as Kubernetes 1.32 has them for what Podlab serves.

Users' roles are here; what the cluster's own components may do is in `component_roles.py`. `reconcile.py` puts them
into the store. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from __future__ import annotations

from podlab.api.kinds import RBAC
from podlab.rbac.v1 import rbac_pb2

READ = "get list watch"
WRITE = "create delete deletecollection patch update"

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_BOOTSTRAPPING = ("kubernetes.io/bootstrapping", "rbac-defaults")
_AGGREGATE_TO = f"{RBAC}/aggregate-to-"


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
    _mark(made, name)
    if part_of:
        made.metadata.labels[_AGGREGATE_TO + part_of] = "true"
    if gathers:
        made.aggregationRule.clusterRoleSelectors.add().matchLabels[_AGGREGATE_TO + gathers] = "true"
    return made


def binding(role_name: str, *, users: str = "", groups: str = "") -> rbac_pb2.ClusterRoleBinding:
    """A default ClusterRoleBinding, which is named as its role."""
    made = rbac_pb2.ClusterRoleBinding()
    _mark(made, role_name)
    made.roleRef.CopyFrom(rbac_pb2.RoleRef(apiGroup=RBAC, kind="ClusterRole", name=role_name))
    for kind, names in (("User", users), ("Group", groups)):
        for name in names.split():
            made.subjects.add(kind=kind, apiGroup=RBAC, name=name)
    return made


def _mark(made: rbac_pb2.ClusterRole | rbac_pb2.ClusterRoleBinding, name: str) -> None:
    made.metadata.name = name
    made.metadata.labels[_BOOTSTRAPPING[0]] = _BOOTSTRAPPING[1]
    made.metadata.annotations[AUTOUPDATE] = "true"


EVENTS = rule("create patch update", ",events.k8s.io", "events")

_VIEWED = (
    rule(READ, "", "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods"),
    rule(READ, "", "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status"),
    rule(READ, "", "bindings events limitranges namespaces/status pods/log pods/status"),
    rule(READ, "", "replicationcontrollers/status resourcequotas resourcequotas/status"),
    rule(READ, "", "namespaces"),
    rule(READ, "discovery.k8s.io", "endpointslices"),
    rule(READ, "apps", "controllerrevisions daemonsets daemonsets/status"),
    rule(READ, "apps", "deployments deployments/scale deployments/status"),
    rule(READ, "apps", "replicasets replicasets/scale replicasets/status"),
    rule(READ, "apps", "statefulsets statefulsets/scale statefulsets/status"),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
)
_METRICS = rule(READ, "metrics.k8s.io", "pods nodes")
_EDITED = (
    rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    rule("impersonate", "", "serviceaccounts"),
    rule(WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    rule("create", "", "pods/eviction"),
    rule(WRITE, "", "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale"),
    rule(WRITE, "", "secrets serviceaccounts services services/proxy"),
    rule("create", "", "serviceaccounts/token"),
    rule(WRITE, "apps", "daemonsets deployments deployments/rollback deployments/scale"),
    rule(WRITE, "apps", "replicasets replicasets/scale statefulsets statefulsets/scale"),
    rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    rule(WRITE, "batch", "cronjobs jobs"),
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    rule(f"{READ} {WRITE}", "coordination.k8s.io", "leases"),
)
_ADMINISTERED = (
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    rule(f"{READ} {WRITE}", RBAC, "rolebindings roles"),
)

_CERTIFICATES = "certificates.k8s.io"


def _approver(signer: str) -> rbac_pb2.ClusterRole:
    name = f"system:{_CERTIFICATES}:{signer}-approver"
    return role(name, rule("approve", _CERTIFICATES, "signers", f"kubernetes.io/{signer}"))


USER_ROLES = (
    role(
        "cluster-admin",
        rule("*", "*", "*"),
        rbac_pb2.PolicyRule(verbs=["*"], nonResourceURLs=["*"]),
    ),
    role("admin", gathers="admin"),
    role("edit", part_of="admin", gathers="edit"),
    role("view", part_of="edit", gathers="view"),
    role("system:aggregate-to-admin", *_ADMINISTERED, part_of="admin"),
    role("system:aggregate-to-edit", *_EDITED, part_of="edit"),
    role("system:aggregate-to-view", *_VIEWED, part_of="view"),
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

USER_BINDINGS = (
    binding("cluster-admin", groups="system:masters"),
    binding("system:basic-user", groups="system:authenticated"),
    binding("system:discovery", groups="system:authenticated"),
    binding("system:public-info-viewer", groups="system:authenticated system:unauthenticated"),
    binding("system:monitoring", groups="system:monitoring"),
    binding("system:service-account-issuer-discovery", groups="system:serviceaccounts"),
)
