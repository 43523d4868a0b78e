"""Defaults of ReplicationControllers, DaemonSets and StatefulSets."""

from podlab.apps.v1 import daemonset_pb2, statefulset_pb2
from podlab.core.v1 import replicationcontroller_pb2
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.defaults.storage import apply_to_claim_spec
from podlab.meta.v1 import meta_pb2

_HISTORY_LIMIT = 10
_ROLLING = "RollingUpdate"
_RETAIN = "Retain"


def replication_controller(item: replicationcontroller_pb2.ReplicationController) -> None:
    """Selector and labels are those of the template."""
    spec = item.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("template"):
        return
    labels = spec.template.metadata.labels
    if not spec.selector:
        spec.selector.update(labels)
    if not item.metadata.labels:
        item.metadata.labels.update(labels)
    apply_to_spec(spec.template.spec)


def daemon_set(item: daemonset_pb2.DaemonSet) -> None:
    """One node after the other."""
    spec = item.spec
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    strategy = spec.updateStrategy
    strategy.type = strategy.type or _ROLLING
    if strategy.type == _ROLLING:
        if not strategy.rollingUpdate.HasField("maxUnavailable"):
            strategy.rollingUpdate.maxUnavailable.CopyFrom(meta_pb2.IntOrString(intVal=1))
        if not strategy.rollingUpdate.HasField("maxSurge"):
            strategy.rollingUpdate.maxSurge.CopyFrom(meta_pb2.IntOrString(intVal=0))
    apply_to_spec(spec.template.spec)


def stateful_set(item: statefulset_pb2.StatefulSet) -> None:
    """One pod after the other, and claims are kept."""
    spec = item.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    spec.podManagementPolicy = spec.podManagementPolicy or "OrderedReady"
    strategy = spec.updateStrategy
    if not strategy.type:
        strategy.type = _ROLLING
        strategy.rollingUpdate.SetInParent()
    rolls = strategy.type == _ROLLING and strategy.HasField("rollingUpdate")
    if rolls and not strategy.rollingUpdate.HasField("partition"):
        strategy.rollingUpdate.partition = 0
    retention = spec.persistentVolumeClaimRetentionPolicy
    retention.whenDeleted = retention.whenDeleted or _RETAIN
    retention.whenScaled = retention.whenScaled or _RETAIN
    for claim in spec.volumeClaimTemplates:
        apply_to_claim_spec(claim.spec)
        claim.status.phase = claim.status.phase or "Pending"
    apply_to_spec(spec.template.spec)
