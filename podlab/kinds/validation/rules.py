"""The one table of what is checked for each kind, and the three moments at which it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.certificates.v1 import certificatesigningrequest_pb2
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import (
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
from podlab.errors import Cause
from podlab.kinds.validation import syntax
from podlab.kinds.validation.cluster import certificates, cluster, config, policy, rbac
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.instants import check_instants
from podlab.kinds.validation.metadata import NameRule, check_metadata, check_metadata_update
from podlab.kinds.validation.network import endpoints, ingress, networkpolicy, service
from podlab.kinds.validation.pods import ephemeralcontainers, pod
from podlab.kinds.validation.storage import claims, volumes
from podlab.kinds.validation.workloads import autoscaling, cronjobs, deployments, disruption, jobs, jobstatus, sets
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2
from podlab.policy.v1 import poddisruptionbudget_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import storageclass_pb2

OBJECT_BYTES = 3 << 19  # 1.5 MiB, as much as etcd takes in one request

Check = Callable[[Findings, Any], None]
UpdateCheck = Callable[[Findings, Any, Any], None]


def _nothing(found: Findings, *_: Any) -> None:
    """For kinds about which there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One kind's checks. `always` runs on create and update, `create` on create alone, `update` compares, `status` runs
    on status updates."""

    always: Check
    update: UpdateCheck = _nothing
    status: Check = _nothing
    create: Check = _nothing
    name: NameRule = syntax.subdomain


RULES: dict[type[Message], Rules] = {
    namespace_pb2.Namespace: Rules(cluster.check_namespace, name=syntax.label),
    node_pb2.Node: Rules(cluster.check_node, cluster.check_node_update, cluster.check_node_status),
    pod_pb2.Pod: Rules(pod.check_pod, pod.check_pod_update, pod.check_pod_status, ephemeralcontainers.check_new_pod),
    replicaset_pb2.ReplicaSet: Rules(deployments.check_replica_set, deployments.check_replica_set_update),
    deployment_pb2.Deployment: Rules(deployments.check_deployment, deployments.check_deployment_update),
    service_pb2.Service: Rules(service.check_service, service.check_service_update, name=syntax.label_1035),
    endpointslice_pb2.EndpointSlice: Rules(endpoints.check_endpoint_slice, endpoints.check_endpoint_slice_update),
    config_pb2.ConfigMap: Rules(config.check_config_map, config.check_config_map_update),
    config_pb2.Secret: Rules(config.check_secret, config.check_secret_update),
    event_pb2.Event: Rules(endpoints.check_event),
    lease_pb2.Lease: Rules(cluster.check_lease),
    rbac_pb2.Role: Rules(rbac.check_role, name=syntax.path_segment),
    rbac_pb2.RoleBinding: Rules(rbac.check_role_binding, rbac.check_binding_update, name=syntax.path_segment),
    rbac_pb2.ClusterRole: Rules(rbac.check_cluster_role, name=syntax.path_segment),
    rbac_pb2.ClusterRoleBinding: Rules(
        rbac.check_cluster_role_binding, rbac.check_binding_update, name=syntax.path_segment
    ),
    certificatesigningrequest_pb2.CertificateSigningRequest: Rules(
        certificates.check_request, status=certificates.check_request_status, name=syntax.path_segment
    ),
    serviceaccount_pb2.ServiceAccount: Rules(policy.check_service_account),
    quota_pb2.ResourceQuota: Rules(policy.check_quota, policy.check_quota_update, policy.check_quota_status),
    quota_pb2.LimitRange: Rules(policy.check_limit_range),
    priorityclass_pb2.PriorityClass: Rules(policy.check_priority_class, policy.check_priority_class_update),
    volume_pb2.PersistentVolume: Rules(volumes.check_volume, volumes.check_volume_update),
    volume_pb2.PersistentVolumeClaim: Rules(claims.check_claim, claims.check_claim_update, claims.check_claim_status),
    storageclass_pb2.StorageClass: Rules(volumes.check_storage_class, volumes.check_storage_class_update),
    endpoints_pb2.Endpoints: Rules(endpoints.check_endpoints),
    ingress_pb2.Ingress: Rules(ingress.check_ingress, status=ingress.check_ingress_status),
    ingress_pb2.IngressClass: Rules(ingress.check_ingress_class, ingress.check_ingress_class_update),
    networkpolicy_pb2.NetworkPolicy: Rules(networkpolicy.check_network_policy),
    replicationcontroller_pb2.ReplicationController: Rules(
        sets.check_replication_controller, status=sets.check_replica_counts
    ),
    daemonset_pb2.DaemonSet: Rules(sets.check_daemon_set, sets.check_daemon_set_update, sets.check_daemon_set_status),
    statefulset_pb2.StatefulSet: Rules(
        sets.check_stateful_set, sets.check_stateful_set_update, sets.check_stateful_set_status, name=syntax.label
    ),
    controllerrevision_pb2.ControllerRevision: Rules(
        sets.check_controller_revision, sets.check_controller_revision_update
    ),
    job_pb2.Job: Rules(jobs.check_job, jobs.check_job_update, jobstatus.check_job_status),
    cronjob_pb2.CronJob: Rules(cronjobs.check_cron_job),
    horizontalpodautoscaler_pb2.HorizontalPodAutoscaler: Rules(
        autoscaling.check_autoscaler,
        autoscaling.check_autoscaler_update,
        autoscaling.check_autoscaler_status,
        autoscaling.check_new_autoscaler,
    ),
    poddisruptionbudget_pb2.PodDisruptionBudget: Rules(disruption.check_budget, status=disruption.check_budget_status),
}


def validate_create(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object."""
    rules, found = RULES[type(message)], Findings()
    _check(found, rules, message)
    rules.create(found, message)
    rules.status(found, message)  # only kubelets come with a status: that of their node
    return found.causes


def validate_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with an object that replaces `old`. Status is not looked at: an update leaves it alone."""
    rules, found = RULES[type(new)], Findings()
    check_metadata_update(found, _metadata(new), _metadata(old))
    _check(found, rules, new)
    rules.update(found, new, old)
    return found.causes


def validate_status_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with a new status, and what marks the object. Spec is not looked at: a status update leaves it
    alone."""
    rules, found = RULES[type(new)], Findings()
    check_metadata_update(found, _metadata(new), _metadata(old))
    if _metadata(new) != _metadata(old):
        check_metadata(found, _metadata(new), rules.name, namespaced=kinds.of(new).namespaced)
    rules.status(found, new)
    check_instants(found, new)
    _check_size(found, new)
    return found.causes


def validate_joining(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with the ephemeral containers of a pod that replaces `old`. Of the rest nothing differs."""
    found = Findings()
    check_metadata_update(found, _metadata(new), _metadata(old))
    _check(found, RULES[type(new)], new)
    if isinstance(new, pod_pb2.Pod) and isinstance(old, pod_pb2.Pod):
        ephemeralcontainers.check_joining(found, new, old)
    return found.causes


def _check(found: Findings, rules: Rules, message: Message) -> None:
    check_metadata(found, _metadata(message), rules.name, namespaced=kinds.of(message).namespaced)
    rules.always(found, message)
    check_instants(found, message)
    _check_size(found, message)


def _check_size(found: Findings, message: Message) -> None:
    if message.ByteSize() > OBJECT_BYTES:
        found.too_long("object", OBJECT_BYTES)


def _metadata(message: Any) -> Any:
    return message.metadata
