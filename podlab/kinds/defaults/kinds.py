"""The one table of defaults for each kind."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from podlab.apps.v1 import daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.core.v1 import (
    config_pb2,
    endpoints_pb2,
    namespace_pb2,
    pod_pb2,
    quota_pb2,
    replicationcontroller_pb2,
    service_pb2,
    volume_pb2,
)
from podlab.discovery.v1 import endpointslice_pb2
from podlab.kinds.defaults import autoscaling, jobs, network, policy, sets, storage
from podlab.kinds.defaults.pod import apply_to_pod, apply_to_spec
from podlab.kinds.defaults.rbac import apply_to_binding
from podlab.kinds.defaults.service import apply_to_service
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2
from podlab.rbac.v1 import rbac_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import storageclass_pb2

_HISTORY_LIMIT = 10
_PROGRESS_DEADLINE_S = 600
_NAME_LABEL = "kubernetes.io/metadata.name"


def apply(message: Message) -> None:
    """Give the object its kind's defaults. Applying them again changes nothing."""
    defaults = _DEFAULTS.get(type(message))
    if defaults is not None:
        defaults(message)


def _namespace(namespace: namespace_pb2.Namespace) -> None:
    namespace.metadata.labels[_NAME_LABEL] = namespace.metadata.name


def _replica_set(replica_set: replicaset_pb2.ReplicaSet) -> None:
    if not replica_set.spec.HasField("replicas"):
        replica_set.spec.replicas = 1
    apply_to_spec(replica_set.spec.template.spec)


def _deployment(deployment: deployment_pb2.Deployment) -> None:
    spec = deployment.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    if not spec.HasField("progressDeadlineSeconds"):
        spec.progressDeadlineSeconds = _PROGRESS_DEADLINE_S
    spec.strategy.type = spec.strategy.type or "RollingUpdate"
    if spec.strategy.type == "RollingUpdate":
        rolling = spec.strategy.rollingUpdate
        for share in ("maxUnavailable", "maxSurge"):
            if not rolling.HasField(share):
                getattr(rolling, share).CopyFrom(meta_pb2.IntOrString(type=1, strVal="25%"))
    apply_to_spec(spec.template.spec)


def _secret(secret: config_pb2.Secret) -> None:
    secret.type = secret.type or "Opaque"
    for key, value in secret.stringData.items():
        secret.data[key] = value.encode()
    secret.ClearField("stringData")


def _endpoint_slice(endpoints: endpointslice_pb2.EndpointSlice) -> None:
    for port in endpoints.ports:
        if not port.HasField("name"):
            port.name = ""
        if not port.HasField("protocol"):
            port.protocol = "TCP"


_DEFAULTS: dict[type[Message], Callable[[Any], None]] = {
    namespace_pb2.Namespace: _namespace,
    pod_pb2.Pod: apply_to_pod,
    replicaset_pb2.ReplicaSet: _replica_set,
    deployment_pb2.Deployment: _deployment,
    service_pb2.Service: apply_to_service,
    config_pb2.Secret: _secret,
    endpointslice_pb2.EndpointSlice: _endpoint_slice,
    rbac_pb2.RoleBinding: apply_to_binding,
    rbac_pb2.ClusterRoleBinding: apply_to_binding,
    quota_pb2.LimitRange: policy.apply_to_limit_range,
    priorityclass_pb2.PriorityClass: policy.apply_to_priority_class,
    volume_pb2.PersistentVolume: storage.apply_to_volume,
    volume_pb2.PersistentVolumeClaim: storage.apply_to_claim,
    storageclass_pb2.StorageClass: storage.apply_to_class,
    endpoints_pb2.Endpoints: network.apply_to_endpoints,
    ingress_pb2.IngressClass: network.apply_to_ingress_class,
    networkpolicy_pb2.NetworkPolicy: network.apply_to_network_policy,
    replicationcontroller_pb2.ReplicationController: sets.replication_controller,
    daemonset_pb2.DaemonSet: sets.daemon_set,
    statefulset_pb2.StatefulSet: sets.stateful_set,
    job_pb2.Job: jobs.job,
    cronjob_pb2.CronJob: jobs.cron_job,
    horizontalpodautoscaler_pb2.HorizontalPodAutoscaler: autoscaling.horizontal_pod_autoscaler,
}
