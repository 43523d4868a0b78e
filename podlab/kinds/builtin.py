"""The built-in kinds: one visible list, and where the file of each stands."""

from __future__ import annotations

import importlib
from functools import cache, partial

from google.protobuf.message import Message

from podlab.admissionregistration.v1 import (
    mutatingadmissionpolicy_pb2,
    validatingadmissionpolicy_pb2,
    webhookconfiguration_pb2,
)
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.apiextensions.v1 import customresourcedefinition_pb2
from podlab.apiregistration.v1 import apiservice_pb2
from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.authentication.v1 import token_pb2, user_pb2
from podlab.authorization.v1 import review_pb2
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as hpa_v1_pb2
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.certificates.v1 import certificatesigningrequest_pb2
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import (
    binding_pb2,
    componentstatus_pb2,
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
from podlab.events.v1 import event_pb2 as events_event_pb2
from podlab.flowcontrol.v1 import flowschema_pb2, prioritylevelconfiguration_pb2
from podlab.kinds.catalog import Catalog, Served
from podlab.kinds.resource import Resource
from podlab.metrics.v1beta1 import metrics_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2, serviceaddresses_pb2
from podlab.node.v1 import runtimeclass_pb2
from podlab.policy.v1 import poddisruptionbudget_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.resource.v1 import deviceclass_pb2, resourceclaim_pb2, resourceslice_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import csi_pb2, storageclass_pb2, volumeattachment_pb2, volumeattributesclass_pb2

# In the order in which they are shown.
STORED: tuple[type[Message], ...] = (
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
    flowschema_pb2.FlowSchema,
    prioritylevelconfiguration_pb2.PriorityLevelConfiguration,
    serviceaddresses_pb2.ServiceCIDR,
    serviceaddresses_pb2.IPAddress,
    deviceclass_pb2.DeviceClass,
    resourceclaim_pb2.ResourceClaim,
    resourceclaim_pb2.ResourceClaimTemplate,
    resourceslice_pb2.ResourceSlice,
    customresourcedefinition_pb2.CustomResourceDefinition,
    apiservice_pb2.APIService,
    mutatingadmissionpolicy_pb2.MutatingAdmissionPolicy,
    mutatingadmissionpolicy_pb2.MutatingAdmissionPolicyBinding,
    validatingadmissionpolicy_pb2.ValidatingAdmissionPolicy,
    validatingadmissionpolicy_pb2.ValidatingAdmissionPolicyBinding,
    webhookconfiguration_pb2.MutatingWebhookConfiguration,
    webhookconfiguration_pb2.ValidatingWebhookConfiguration,
)
# Questions that are answered and never stored, and what is found out when somebody asks for it.
ANSWERED: tuple[type[Message], ...] = (
    token_pb2.TokenReview,
    user_pb2.SelfSubjectReview,
    review_pb2.SubjectAccessReview,
    review_pb2.SelfSubjectAccessReview,
    review_pb2.SelfSubjectRulesReview,
    review_pb2.LocalSubjectAccessReview,
    metrics_pb2.NodeMetrics,
    metrics_pb2.PodMetrics,
    binding_pb2.Binding,
    componentstatus_pb2.ComponentStatus,
)
# Versions besides the one that is stored, maybe of another group, by the latter.
OTHER_VERSIONS: dict[type[Message], tuple[type[Message], ...]] = {
    event_pb2.Event: (events_event_pb2.Event,),
    horizontalpodautoscaler_pb2.HorizontalPodAutoscaler: (hpa_v1_pb2.HorizontalPodAutoscaler,),
}


@cache
def catalog() -> Catalog:
    """The built-in kinds, of which each one's file is read when it is first needed."""
    return Catalog(
        [*(_served(each, stored=True) for each in STORED), *(_served(each, stored=False) for each in ANSWERED)]
    )


def load(kind: Kind) -> Resource:
    """What the kind's file says: that of podlab.apps.v1.Deployment is podlab/kinds/apps/deployment.py."""
    resource: Resource = importlib.import_module(f"podlab.kinds.{folder(kind.message)}.{kind.singular}").RESOURCE
    return resource


def folder(message: type[Message]) -> str:
    """Where the kind's file stands: named as the proto's, but for `resource`, which is what every kind is here."""
    package = message.DESCRIPTOR.file.package.split(".")[1]
    return "devices" if package == "resource" else package


def _served(message: type[Message], *, stored: bool) -> Served:
    kind = kinds.of(message)
    versions = (kind, *map(kinds.of, OTHER_VERSIONS.get(message, ())))
    return Served(versions, stored, partial(load, kind))
