"""What a message is: its group, version and kind, and its names, which its proto says in an option.

How objects of a kind behave is not said here: that is `podlab.kinds`, a file for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from google.protobuf import message_factory
from google.protobuf.message import Message

from podlab.apiextensions.v1 import customresourcedefinition_pb2
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
    podtemplate_pb2,
    quota_pb2,
    replicationcontroller_pb2,
    service_pb2,
    serviceaccount_pb2,
    volume_pb2,
)
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import NotFound
from podlab.events.v1 import event_pb2 as events_event_pb2
from podlab.meta.v1 import meta_pb2, options_pb2
from podlab.metrics.v1beta1 import metrics_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2
from podlab.node.v1 import runtimeclass_pb2
from podlab.policy.v1 import eviction_pb2, poddisruptionbudget_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import csi_pb2, storageclass_pb2, volumeattachment_pb2, volumeattributesclass_pb2
from podlab.v1 import object_pb2

RBAC = "rbac.authorization.k8s.io"
METRICS = "metrics.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"


OTHER, CUSTOM = "other", "custom"
SHARED = frozenset({OTHER, CUSTOM})
"""The fields of `podlab.v1.Object` that are not of one kind."""


class GroupKind(NamedTuple):
    """What a kind is known by: two groups may have kinds of one name. The core group is empty."""

    group: str
    kind: str

    def __str__(self) -> str:
        """As Invalid errors name it: Pod, Deployment.apps."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class GroupResource(NamedTuple):
    """What permissions, quotas and paths know a kind by: the group and the plural."""

    group: str
    resource: str

    def __str__(self) -> str:
        """As messages name it: pods, deployments.apps."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, eq=False)
class Kind:
    """One version of a kind, and what it is called. There is one for each message: `of` has it."""

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

    @cached_property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.name)

    @cached_property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

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
        return str(self.group_resource)

    @property
    def qualified_name(self) -> str:
        """As Invalid errors name it: Pod, Deployment.apps."""
        return str(self.group_kind)

    @property
    def has_status(self) -> bool:
        return "status" in self.message.DESCRIPTOR.fields_by_name

    @property
    def object_field(self) -> str:
        """The name of its field in `podlab.v1.Object`: kinds that have none of their own share one."""
        return _OBJECT_FIELDS.get(self.message.DESCRIPTOR.full_name, OTHER)


def of(message: Message | type[Message]) -> Kind:
    """The kind of a message or message type, whether it is stored or not. KeyError when it is of none."""
    known = _KNOWN.get(message.DESCRIPTOR.full_name)
    return known if known is not None else _read(message if isinstance(message, type) else type(message))


def referenced(api_version: str, kind: str) -> GroupKind:
    """What a reference such as an owner's means, whatever the version: that of apps/v1 and Deployment."""
    return GroupKind(api_version.rpartition("/")[0], kind)


def enveloped() -> tuple[Kind, ...]:
    """The kinds that have a field of their own in `podlab.v1.Object`, in the order of these fields."""
    fields = object_pb2.Object.DESCRIPTOR.oneofs_by_name["kind"].fields
    messages = (field.message_type for field in fields if field.name not in SHARED and field.message_type is not None)
    return tuple(of(message_factory.GetMessageClass(message)) for message in messages)


def _read(message: type[Message]) -> Kind:
    """The kind that the message's option makes of it."""
    descriptor = message.DESCRIPTOR
    options = descriptor.GetOptions()
    if not options.HasExtension(options_pb2.resource):
        raise KeyError(f"{descriptor.full_name} is no kind of objects")
    names = options.Extensions[options_pb2.resource]
    kind = Kind(
        names.group,
        descriptor.file.package.rpartition(".")[2],
        descriptor.name,
        names.plural,
        message,
        tuple(names.short_names),
        namespaced=not names.cluster_scoped,
        categories=tuple(names.categories),
        also_read_as=tuple(names.also_read_as),
    )
    _KNOWN[descriptor.full_name] = kind
    return kind


_KNOWN: dict[str, Kind] = {}  # by the message's full name
_OBJECT_FIELDS = {
    field.message_type.full_name: field.name
    for field in object_pb2.Object.DESCRIPTOR.oneofs_by_name["kind"].fields
    if field.message_type is not None
}

KINDS: tuple[Kind, ...] = tuple(
    map(
        of,
        (
            namespace_pb2.Namespace,
            node_pb2.Node,
            pod_pb2.Pod,
            service_pb2.Service,
            config_pb2.ConfigMap,
            config_pb2.Secret,
            event_pb2.Event,
            deployment_pb2.Deployment,
            replicaset_pb2.ReplicaSet,
            endpointslice_pb2.EndpointSlice,
            lease_pb2.Lease,
            replicationcontroller_pb2.ReplicationController,
            daemonset_pb2.DaemonSet,
            statefulset_pb2.StatefulSet,
            controllerrevision_pb2.ControllerRevision,
            job_pb2.Job,
            cronjob_pb2.CronJob,
            horizontalpodautoscaler_pb2.HorizontalPodAutoscaler,
            poddisruptionbudget_pb2.PodDisruptionBudget,
            rbac_pb2.Role,
            rbac_pb2.RoleBinding,
            rbac_pb2.ClusterRole,
            rbac_pb2.ClusterRoleBinding,
            serviceaccount_pb2.ServiceAccount,
            quota_pb2.ResourceQuota,
            quota_pb2.LimitRange,
            volume_pb2.PersistentVolume,
            volume_pb2.PersistentVolumeClaim,
            endpoints_pb2.Endpoints,
            priorityclass_pb2.PriorityClass,
            storageclass_pb2.StorageClass,
            ingress_pb2.Ingress,
            ingress_pb2.IngressClass,
            networkpolicy_pb2.NetworkPolicy,
            certificatesigningrequest_pb2.CertificateSigningRequest,
            podtemplate_pb2.PodTemplate,
            runtimeclass_pb2.RuntimeClass,
            csi_pb2.CSIDriver,
            csi_pb2.CSINode,
            csi_pb2.CSIStorageCapacity,
            volumeattachment_pb2.VolumeAttachment,
            volumeattributesclass_pb2.VolumeAttributesClass,
            customresourcedefinition_pb2.CustomResourceDefinition,
        ),
    )
)
# Questions that are answered and never stored: they can be created, and nothing else.
REVIEWS: tuple[Kind, ...] = tuple(
    map(
        of,
        (
            token_pb2.TokenReview,
            user_pb2.SelfSubjectReview,
            review_pb2.SubjectAccessReview,
            review_pb2.SelfSubjectAccessReview,
            review_pb2.SelfSubjectRulesReview,
            review_pb2.LocalSubjectAccessReview,
        ),
    )
)
# Versions of stored kinds other than the stored one: `podlab.api.conversion.versions` makes the one of the other.
OTHER_VERSIONS: tuple[Kind, ...] = tuple(
    map(
        of,
        (hpa_v1_pb2.HorizontalPodAutoscaler, events_event_pb2.Event),
    )
)
# What is measured when somebody asks for it, and never stored: they can be read, and nothing else.
NODE_METRICS, POD_METRICS = of(metrics_pb2.NodeMetrics), of(metrics_pb2.PodMetrics)
MEASURED: tuple[Kind, ...] = (NODE_METRICS, POD_METRICS)
# Every kind that is a resource of its own; of a group's versions the first is the one to prefer.
SERVED: tuple[Kind, ...] = (*KINDS, *REVIEWS, *MEASURED, *OTHER_VERSIONS)

# What subresources and verbs take and give: never stored, and no resources of their own.
BINDING, DELETE_OPTIONS, SCALE = of(binding_pb2.Binding), of(meta_pb2.DeleteOptions), of(scale_pb2.Scale)
TOKEN_REQUEST, EVICTION = of(token_pb2.TokenRequest), of(eviction_pb2.Eviction)
FORMS: tuple[Kind, ...] = (BINDING, DELETE_OPTIONS, EVICTION, SCALE, TOKEN_REQUEST)

_BY_NAME = {kind.name: kind for kind in KINDS}
_BY_WORD = {
    word: kind
    for kind in KINDS
    for base in (kind.plural, kind.singular, *kind.short_names)
    for word in (base, f"{base}.{kind.group}", f"{base}.{kind.version}.{kind.group}")
}


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
