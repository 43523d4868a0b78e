"""Which lists a strategic merge patch merges, and by what, as Kubernetes' API types tag them.

Every list of messages stands here, merged or replaced whole; the tests hold the table against the protos. Lists of
scalars are replaced whole unless they are named as sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from podlab.api.encoding import child_type, is_inline, is_map
from podlab.api.scalars import SCALARS

Field = tuple[str, str]
"""A message's full name, and the field's name."""

MERGE_KEYS: Mapping[Field, str] = {
    ("podlab.meta.v1.ObjectMeta", "ownerReferences"): "uid",
    ("podlab.core.v1.PodSpec", "volumes"): "name",
    ("podlab.core.v1.PodSpec", "containers"): "name",
    ("podlab.core.v1.PodSpec", "initContainers"): "name",
    ("podlab.core.v1.PodSpec", "ephemeralContainers"): "name",
    ("podlab.core.v1.PodSpec", "hostAliases"): "ip",
    ("podlab.core.v1.PodSpec", "schedulingGates"): "name",
    ("podlab.core.v1.PodSpec", "topologySpreadConstraints"): "topologyKey",
    ("podlab.core.v1.Container", "ports"): "containerPort",
    ("podlab.core.v1.Container", "env"): "name",
    ("podlab.core.v1.Container", "volumeMounts"): "mountPath",
    ("podlab.core.v1.PodStatus", "conditions"): "type",
    ("podlab.core.v1.PodStatus", "podIPs"): "ip",
    ("podlab.core.v1.PodStatus", "hostIPs"): "ip",
    ("podlab.core.v1.ServiceSpec", "ports"): "port",
    ("podlab.core.v1.NodeStatus", "conditions"): "type",
    ("podlab.core.v1.NodeStatus", "addresses"): "type",
    ("podlab.core.v1.NamespaceStatus", "conditions"): "type",
    ("podlab.apps.v1.DeploymentStatus", "conditions"): "type",
    ("podlab.apps.v1.ReplicaSetStatus", "conditions"): "type",
    ("podlab.core.v1.PodSpec", "imagePullSecrets"): "name",
    ("podlab.core.v1.ServiceAccount", "secrets"): "name",
    ("podlab.core.v1.PersistentVolumeClaimStatus", "conditions"): "type",
    ("podlab.core.v1.ReplicationControllerStatus", "conditions"): "type",
    ("podlab.apps.v1.DaemonSetStatus", "conditions"): "type",
    ("podlab.apps.v1.StatefulSetStatus", "conditions"): "type",
    ("podlab.batch.v1.JobStatus", "conditions"): "type",
    ("podlab.autoscaling.v2.HorizontalPodAutoscalerStatus", "conditions"): "type",
    ("podlab.policy.v1.PodDisruptionBudgetStatus", "conditions"): "type",
}
SETS: frozenset[Field] = frozenset(
    {
        ("podlab.meta.v1.ObjectMeta", "finalizers"),
        ("podlab.core.v1.NodeSpec", "podCIDRs"),
    }
)
ATOMIC: frozenset[Field] = frozenset(
    {
        ("podlab.meta.v1.LabelSelector", "matchExpressions"),
        ("podlab.core.v1.SecretVolumeSource", "items"),
        ("podlab.core.v1.ConfigMapVolumeSource", "items"),
        ("podlab.certificates.v1.CertificateSigningRequestStatus", "conditions"),
        ("podlab.core.v1.SecretProjection", "items"),
        ("podlab.core.v1.ConfigMapProjection", "items"),
        ("podlab.core.v1.DownwardAPIVolumeSource", "items"),
        ("podlab.core.v1.DownwardAPIProjection", "items"),
        ("podlab.core.v1.ProjectedVolumeSource", "sources"),
        ("podlab.core.v1.HTTPGetAction", "httpHeaders"),
        ("podlab.core.v1.Container", "envFrom"),
        ("podlab.core.v1.Container", "resizePolicy"),
        ("podlab.core.v1.NodeSelectorTerm", "matchExpressions"),
        ("podlab.core.v1.NodeSelectorTerm", "matchFields"),
        ("podlab.core.v1.NodeSelector", "nodeSelectorTerms"),
        ("podlab.core.v1.NodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"),
        *(
            (f"podlab.core.v1.{side}", f"{how}DuringSchedulingIgnoredDuringExecution")
            for side in ("PodAffinity", "PodAntiAffinity")
            for how in ("preferred", "required")
        ),
        ("podlab.core.v1.PodDNSConfig", "options"),
        ("podlab.core.v1.PodSpec", "readinessGates"),
        ("podlab.core.v1.PodSpec", "tolerations"),
        ("podlab.core.v1.PodStatus", "containerStatuses"),
        ("podlab.core.v1.PodStatus", "ephemeralContainerStatuses"),
        ("podlab.core.v1.PodStatus", "initContainerStatuses"),
        ("podlab.core.v1.NodeSpec", "taints"),
        ("podlab.core.v1.NodeStatus", "images"),
        ("podlab.discovery.v1.EndpointHints", "forZones"),
        ("podlab.discovery.v1.EndpointSlice", "endpoints"),
        ("podlab.discovery.v1.EndpointSlice", "ports"),
        ("podlab.rbac.v1.Role", "rules"),
        ("podlab.rbac.v1.RoleBinding", "subjects"),
        ("podlab.rbac.v1.ClusterRole", "rules"),
        ("podlab.rbac.v1.ClusterRoleBinding", "subjects"),
        ("podlab.rbac.v1.AggregationRule", "clusterRoleSelectors"),
        ("podlab.core.v1.ServiceAccount", "imagePullSecrets"),
        ("podlab.core.v1.ScopeSelector", "matchExpressions"),
        ("podlab.core.v1.LimitRangeSpec", "limits"),
        ("podlab.core.v1.Endpoints", "subsets"),
        ("podlab.core.v1.EndpointSubset", "addresses"),
        ("podlab.core.v1.EndpointSubset", "notReadyAddresses"),
        ("podlab.core.v1.EndpointSubset", "ports"),
        ("podlab.core.v1.TopologySelectorTerm", "matchLabelExpressions"),
        ("podlab.storage.v1.StorageClass", "allowedTopologies"),
        ("podlab.networking.v1.HTTPIngressRuleValue", "paths"),
        ("podlab.networking.v1.IngressSpec", "tls"),
        ("podlab.networking.v1.IngressSpec", "rules"),
        ("podlab.networking.v1.IngressLoadBalancerStatus", "ingress"),
        ("podlab.networking.v1.NetworkPolicyIngressRule", "ports"),
        ("podlab.networking.v1.NetworkPolicyIngressRule", "from"),
        ("podlab.networking.v1.NetworkPolicyEgressRule", "ports"),
        ("podlab.networking.v1.NetworkPolicyEgressRule", "to"),
        ("podlab.networking.v1.NetworkPolicySpec", "ingress"),
        ("podlab.networking.v1.NetworkPolicySpec", "egress"),
        ("podlab.apps.v1.StatefulSetSpec", "volumeClaimTemplates"),
        ("podlab.batch.v1.PodFailurePolicy", "rules"),
        ("podlab.batch.v1.PodFailurePolicyRule", "onPodConditions"),
        ("podlab.batch.v1.SuccessPolicy", "rules"),
        ("podlab.batch.v1.CronJobStatus", "active"),
        ("podlab.autoscaling.v2.HorizontalPodAutoscalerSpec", "metrics"),
        ("podlab.autoscaling.v2.HorizontalPodAutoscalerStatus", "currentMetrics"),
        ("podlab.autoscaling.v2.HPAScalingRules", "policies"),
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of a member of a JSON object. `inner` is the type of the object, or of the list's items."""

    inner: Descriptor | None = None
    merge_key: str = ""
    is_set: bool = False


UNKNOWN = Member()
"""Merged like an object without a type, or replaced like a list; who reads the result refuses what is not a field."""


@cache
def members(descriptor: Descriptor) -> Mapping[str, Member]:
    """The members of a message's JSON object, those of inlined messages included."""
    found: dict[str, Member] = {}
    for field in descriptor.fields:
        if is_inline(field):
            found.update(members(child_type(field)))
        else:
            at = (descriptor.full_name, field.name)
            found[field.name] = Member(_inner(field), MERGE_KEYS.get(at, ""), at in SETS)
    return found


def _inner(field: FieldDescriptor) -> Descriptor | None:
    message = field.message_type
    return None if message is None or is_map(field) or message.full_name in SCALARS else message
