"""The one table of kinds.

Adding a kind is one entry here, one message and one field of `podlab.v1.Object`, and one strategy in the registry.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import Message

from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.authentication.v1 import token_pb2, user_pb2
from podlab.authorization.v1 import review_pb2
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as hpa_v1_pb2
from podlab.autoscaling.v1 import scale_pb2
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.certificates.v1 import certificatesigningrequest_pb2
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import (
    binding_pb2,
    config_pb2,
    endpoints_pb2,
    event_pb2,
    namespace_pb2,
    node_pb2,
    pod_pb2,
    quota_pb2,
    replicationcontroller_pb2,
    service_pb2,
    serviceaccount_pb2,
    volume_pb2,
)
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2
from podlab.metrics.v1beta1 import metrics_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2
from podlab.policy.v1 import eviction_pb2, poddisruptionbudget_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import storageclass_pb2
from podlab.v1 import object_pb2

RBAC = "rbac.authorization.k8s.io"
METRICS = "metrics.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"


@dataclass(frozen=True)
class Kind:
    """What the API knows about one kind of object."""

    group: str  # "" is the core group
    version: str
    name: str
    plural: str
    message: type[Message]
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()
    """Words that stand for it together with others, as `all` does."""
    also_read_as: tuple[str, ...] = ()
    """apiVersions of old clients' objects, which are read as this one's."""

    @property
    def api_version(self) -> str:
        """As in a manifest: v1, apps/v1."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.name.lower()

    @property
    def resource(self) -> str:
        """As messages name it: pods, deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_name(self) -> str:
        """As Invalid errors name it: Pod, Deployment.apps."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def has_status(self) -> bool:
        return "status" in self.message.DESCRIPTOR.fields_by_name

    @property
    def object_field(self) -> str:
        """The name of its field in `podlab.v1.Object`."""
        return _OBJECT_FIELDS[self.message.DESCRIPTOR.full_name]


_ALL = ("all",)
KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "Namespace", "namespaces", namespace_pb2.Namespace, ("ns",), namespaced=False),
    Kind("", "v1", "Node", "nodes", node_pb2.Node, ("no",), namespaced=False),
    Kind("", "v1", "Pod", "pods", pod_pb2.Pod, ("po",), categories=_ALL),
    Kind("", "v1", "Service", "services", service_pb2.Service, ("svc",), categories=_ALL),
    Kind("", "v1", "ConfigMap", "configmaps", config_pb2.ConfigMap, ("cm",)),
    Kind("", "v1", "Secret", "secrets", config_pb2.Secret),
    Kind("", "v1", "Event", "events", event_pb2.Event, ("ev",)),
    Kind("apps", "v1", "Deployment", "deployments", deployment_pb2.Deployment, ("deploy",), categories=_ALL),
    Kind("apps", "v1", "ReplicaSet", "replicasets", replicaset_pb2.ReplicaSet, ("rs",), categories=_ALL),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", endpointslice_pb2.EndpointSlice),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", lease_pb2.Lease),
    Kind(
        "",
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        replicationcontroller_pb2.ReplicationController,
        ("rc",),
        categories=_ALL,
    ),
    Kind("apps", "v1", "DaemonSet", "daemonsets", daemonset_pb2.DaemonSet, ("ds",), categories=_ALL),
    Kind("apps", "v1", "StatefulSet", "statefulsets", statefulset_pb2.StatefulSet, ("sts",), categories=_ALL),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions", controllerrevision_pb2.ControllerRevision),
    Kind("batch", "v1", "Job", "jobs", job_pb2.Job, categories=_ALL),
    Kind("batch", "v1", "CronJob", "cronjobs", cronjob_pb2.CronJob, ("cj",), categories=_ALL),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        horizontalpodautoscaler_pb2.HorizontalPodAutoscaler,
        ("hpa",),
        categories=_ALL,
    ),
    Kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        poddisruptionbudget_pb2.PodDisruptionBudget,
        ("pdb",),
    ),
    Kind(RBAC, "v1", "Role", "roles", rbac_pb2.Role),
    Kind(RBAC, "v1", "RoleBinding", "rolebindings", rbac_pb2.RoleBinding),
    Kind(RBAC, "v1", "ClusterRole", "clusterroles", rbac_pb2.ClusterRole, namespaced=False),
    Kind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", rbac_pb2.ClusterRoleBinding, namespaced=False),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", serviceaccount_pb2.ServiceAccount, ("sa",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", quota_pb2.ResourceQuota, ("quota",)),
    Kind("", "v1", "LimitRange", "limitranges", quota_pb2.LimitRange, ("limits",)),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", volume_pb2.PersistentVolume, ("pv",), namespaced=False),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", volume_pb2.PersistentVolumeClaim, ("pvc",)),
    Kind("", "v1", "Endpoints", "endpoints", endpoints_pb2.Endpoints, ("ep",)),
    Kind(
        *("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
        *(priorityclass_pb2.PriorityClass, ("pc",)),
        namespaced=False,
    ),
    Kind(
        "storage.k8s.io",
        "v1",
        "StorageClass",
        "storageclasses",
        storageclass_pb2.StorageClass,
        ("sc",),
        namespaced=False,
    ),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", ingress_pb2.Ingress, ("ing",)),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", ingress_pb2.IngressClass, namespaced=False),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", networkpolicy_pb2.NetworkPolicy, ("netpol",)),
    Kind(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        certificatesigningrequest_pb2.CertificateSigningRequest,
        ("csr",),
        namespaced=False,
    ),
)


def _review(name: str, message: type[Message], *, namespaced: bool = False) -> Kind:
    return Kind(AUTHORIZATION, "v1", name, f"{name.lower()}s", message, namespaced=namespaced)


# Questions that are answered and never stored: they can be created, and nothing else.
REVIEWS: tuple[Kind, ...] = (
    Kind(AUTHENTICATION, "v1", "TokenReview", "tokenreviews", token_pb2.TokenReview, namespaced=False),
    Kind(AUTHENTICATION, "v1", "SelfSubjectReview", "selfsubjectreviews", user_pb2.SelfSubjectReview, namespaced=False),
    _review("SubjectAccessReview", review_pb2.SubjectAccessReview),
    _review("SelfSubjectAccessReview", review_pb2.SelfSubjectAccessReview),
    _review("SelfSubjectRulesReview", review_pb2.SelfSubjectRulesReview),
    _review("LocalSubjectAccessReview", review_pb2.LocalSubjectAccessReview, namespaced=True),
)

# Versions of stored kinds other than the one that is stored: `podlab.api.versions` makes the one of the other.
OTHER_VERSIONS: tuple[Kind, ...] = (
    Kind(
        "autoscaling",
        "v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        hpa_v1_pb2.HorizontalPodAutoscaler,
        ("hpa",),
        categories=_ALL,
    ),
)

# What is measured when somebody asks for it, and never stored: they can be read, and nothing else.
NODE_METRICS = Kind(METRICS, "v1beta1", "NodeMetrics", "nodes", metrics_pb2.NodeMetrics, namespaced=False)
POD_METRICS = Kind(METRICS, "v1beta1", "PodMetrics", "pods", metrics_pb2.PodMetrics)
MEASURED: tuple[Kind, ...] = (NODE_METRICS, POD_METRICS)
# Every kind that is a resource of its own; of a group's versions the first is the one to prefer.
SERVED: tuple[Kind, ...] = (*KINDS, *REVIEWS, *MEASURED, *OTHER_VERSIONS)

# What subresources and verbs take and give: never stored, and no resources of their own.
BINDING = Kind("", "v1", "Binding", "bindings", binding_pb2.Binding)
DELETE_OPTIONS = Kind("", "v1", "DeleteOptions", "deleteoptions", meta_pb2.DeleteOptions, namespaced=False)
SCALE = Kind("autoscaling", "v1", "Scale", "scales", scale_pb2.Scale)
TOKEN_REQUEST = Kind(AUTHENTICATION, "v1", "TokenRequest", "tokenrequests", token_pb2.TokenRequest)
EVICTION = Kind("policy", "v1", "Eviction", "evictions", eviction_pb2.Eviction, also_read_as=("policy/v1beta1",))
FORMS: tuple[Kind, ...] = (BINDING, DELETE_OPTIONS, EVICTION, SCALE, TOKEN_REQUEST)

_OBJECT_FIELDS = {
    field.message_type.full_name: field.name
    for field in object_pb2.Object.DESCRIPTOR.oneofs_by_name["kind"].fields
    if field.message_type is not None
}
_BY_NAME = {kind.name: kind for kind in KINDS}
_BY_MESSAGE = {kind.message.DESCRIPTOR.full_name: kind for kind in (*SERVED, *FORMS)}
_BY_WORD = {
    word: kind
    for kind in KINDS
    for base in (kind.plural, kind.singular, *kind.short_names)
    for word in (base, f"{base}.{kind.group}", f"{base}.{kind.version}.{kind.group}")
}


def of(message: Message | type[Message]) -> Kind:
    """The kind of a message or message type, whether it is stored or not. KeyError when it is of none."""
    return _BY_MESSAGE[message.DESCRIPTOR.full_name]


def by_name(name: str) -> Kind:
    """The kind that a manifest's `kind` names. Raises NotFound."""
    if name not in _BY_NAME:
        raise NotFound(f'no kind "{name}" is served; known kinds: {", ".join(_BY_NAME)}')
    return _BY_NAME[name]


def of_version(name: str, api_version: str | None) -> Kind:
    """As above, in that version where it is served in several. Raises NotFound."""
    others = (kind for kind in OTHER_VERSIONS if (kind.name, kind.api_version) == (name, api_version))
    return next(others, None) or by_name(name)


def in_category(word: str) -> list[Kind]:
    """The kinds that a word such as `all` stands for; none when it is no category."""
    return [kind for kind in KINDS if word.lower() in kind.categories]


def resolve(word: str) -> Kind:
    """The kind that a person means by `deploy`, `deployments`, `Deployment` or `deployments.apps`. Raises NotFound."""
    kind = _BY_WORD.get(word.lower())
    if kind is None:
        raise NotFound(f'the server doesn\'t have a resource type "{word}"')
    return kind
