"""What OpenAPI tells of fields beyond their types. Pure.

A field that JSON always writes is required, unless it holds a message: an empty one may be left out of what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

Field = tuple[str, str]
"""A message's full name, and the field's name."""

# Required although they hold messages: an empty one would not be valid.
REQUIRED: frozenset[Field] = frozenset(
    {
        ("podlab.core.v1.Binding", "target"),
        ("podlab.core.v1.Event", "metadata"),
        ("podlab.core.v1.Event", "involvedObject"),
        ("podlab.core.v1.HTTPGetAction", "port"),
        ("podlab.core.v1.TCPSocketAction", "port"),
        ("podlab.core.v1.PreferredSchedulingTerm", "preference"),
        ("podlab.apps.v1.DeploymentSpec", "selector"),
        ("podlab.apps.v1.DeploymentSpec", "template"),
        ("podlab.apps.v1.ReplicaSetSpec", "selector"),
        ("podlab.apps.v1.DaemonSetSpec", "selector"),
        ("podlab.apps.v1.DaemonSetSpec", "template"),
        ("podlab.apps.v1.StatefulSetSpec", "selector"),
        ("podlab.apps.v1.StatefulSetSpec", "template"),
        ("podlab.batch.v1.JobSpec", "template"),
        ("podlab.batch.v1.CronJobSpec", "jobTemplate"),
        ("podlab.autoscaling.v1.HorizontalPodAutoscalerSpec", "scaleTargetRef"),
        ("podlab.autoscaling.v2.HorizontalPodAutoscalerSpec", "scaleTargetRef"),
        ("podlab.autoscaling.v2.ObjectMetricSource", "describedObject"),
        *(
            (f"podlab.autoscaling.v2.{source}MetricSource", part)
            for source in ("ContainerResource", "External", "Object", "Pods", "Resource")
            for part in (("target",) if "Resource" in source else ("metric", "target"))
        ),
        ("podlab.networking.v1.IngressBackend", "service"),
        ("podlab.rbac.v1.RoleBinding", "roleRef"),
        ("podlab.rbac.v1.ClusterRoleBinding", "roleRef"),
        ("podlab.authorization.v1.SubjectAccessReview", "spec"),
        ("podlab.authorization.v1.SelfSubjectAccessReview", "spec"),
        ("podlab.authorization.v1.LocalSubjectAccessReview", "spec"),
        ("podlab.authorization.v1.SelfSubjectRulesReview", "spec"),
        ("podlab.authentication.v1.TokenReview", "spec"),
        ("podlab.authentication.v1.TokenRequest", "spec"),
        ("podlab.certificates.v1.CertificateSigningRequest", "spec"),
    }
)
# Not required although JSON always has them: the server fills them in, or an empty one means something.
OPTIONAL: frozenset[Field] = frozenset(
    {
        ("podlab.core.v1.Event", "reportingComponent"),
        ("podlab.core.v1.Event", "reportingInstance"),
        ("podlab.autoscaling.v2.HorizontalPodAutoscalerStatus", "currentMetrics"),
        ("podlab.core.v1.Endpoints", "subsets"),
        ("podlab.discovery.v1.EndpointSlice", "ports"),
        ("podlab.rbac.v1.ClusterRole", "rules"),
        ("podlab.rbac.v1.Role", "rules"),
    }
)
DEFAULTS: Mapping[Field, str] = {
    ("podlab.core.v1.ContainerPort", "protocol"): "TCP",
    ("podlab.core.v1.ServicePort", "protocol"): "TCP",
}
_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
_LOCAL_OR_CLUSTER = ("Cluster", "Local")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
ENUMS: Mapping[Field, tuple[str, ...]] = {
    ("podlab.core.v1.HostPathVolumeSource", "type"): (
        *("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"),
    ),
    ("podlab.core.v1.HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    ("podlab.core.v1.ContainerPort", "protocol"): _PROTOCOLS,
    ("podlab.core.v1.Container", "imagePullPolicy"): ("Always", "IfNotPresent", "Never"),
    ("podlab.core.v1.Container", "terminationMessagePolicy"): ("FallbackToLogsOnError", "File"),
    ("podlab.core.v1.Toleration", "operator"): ("Equal", "Exists"),
    ("podlab.core.v1.Toleration", "effect"): _EFFECTS,
    ("podlab.core.v1.Taint", "effect"): _EFFECTS,
    ("podlab.core.v1.NodeSelectorRequirement", "operator"): (*_OPERATORS[:2], "Gt", "In", "Lt", "NotIn"),
    ("podlab.core.v1.PodSpec", "restartPolicy"): ("Always", "Never", "OnFailure"),
    ("podlab.core.v1.PodSpec", "dnsPolicy"): ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    ("podlab.core.v1.PodSpec", "preemptionPolicy"): ("Never", "PreemptLowerPriority"),
    ("podlab.core.v1.PodStatus", "phase"): ("Failed", "Pending", "Running", "Succeeded", "Unknown"),
    ("podlab.core.v1.PodStatus", "qosClass"): ("BestEffort", "Burstable", "Guaranteed"),
    ("podlab.core.v1.NamespaceStatus", "phase"): ("Active", "Terminating"),
    ("podlab.core.v1.ServicePort", "protocol"): _PROTOCOLS,
    ("podlab.core.v1.ServiceSpec", "type"): ("ClusterIP", "LoadBalancer", "NodePort"),
    ("podlab.core.v1.ServiceSpec", "sessionAffinity"): ("ClientIP", "None"),
    ("podlab.core.v1.ServiceSpec", "externalTrafficPolicy"): _LOCAL_OR_CLUSTER,
    ("podlab.core.v1.ServiceSpec", "internalTrafficPolicy"): _LOCAL_OR_CLUSTER,
    ("podlab.core.v1.ServiceSpec", "trafficDistribution"): ("PreferClose", "PreferSameZone"),
    ("podlab.apps.v1.DeploymentStrategy", "type"): ("Recreate", "RollingUpdate"),
    ("podlab.apps.v1.DaemonSetUpdateStrategy", "type"): ("OnDelete", "RollingUpdate"),
    ("podlab.apps.v1.StatefulSetUpdateStrategy", "type"): ("OnDelete", "RollingUpdate"),
    ("podlab.apps.v1.StatefulSetSpec", "podManagementPolicy"): ("OrderedReady", "Parallel"),
    ("podlab.batch.v1.JobSpec", "completionMode"): ("Indexed", "NonIndexed"),
    ("podlab.batch.v1.CronJobSpec", "concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
}
# Lists whose elements are told apart by more than what a strategic merge patch goes by.
FURTHER_KEYS: Mapping[Field, tuple[str, ...]] = {
    ("podlab.core.v1.Container", "ports"): ("protocol",),
    ("podlab.core.v1.ServiceSpec", "ports"): ("protocol",),
}
# Patches say $retainKeys for these: what is not named goes.
RETAINED: frozenset[Field] = frozenset(
    {("podlab.core.v1.PodSpec", "volumes"), ("podlab.apps.v1.DeploymentSpec", "strategy")}
)
# Objects that are replaced as a whole.
WHOLE: frozenset[str] = frozenset(
    {
        "podlab.meta.v1.LabelSelector",
        *(
            f"podlab.core.v1.{name}"
            for name in (
                *("ConfigMapKeySelector", "LocalObjectReference", "NodeSelector", "NodeSelectorTerm"),
                *("ObjectFieldSelector", "ObjectReference", "ResourceFieldSelector", "SecretKeySelector"),
                "TypedLocalObjectReference",
            )
        ),
    }
)
