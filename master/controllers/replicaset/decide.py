"""What a ReplicaSet needs: pods to create, or which to delete; and the status that tells how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from master.controllers.ownership import reference_to
from master.controllers.podstate import available_in_s, is_active, is_ready
from master.controllers.replicaset.order import surplus
from podlab.api import names
from podlab.api.objects import condition
from podlab.apps.v1 import replicaset_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

# More at once would starve the other ReplicaSets.
BURST = 500
REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True)
class Plan:
    """Either some to create or some to delete; or nothing to do."""

    create: int = 0
    delete: list[pod_pb2.Pod] = field(default_factory=list)


@dataclass(frozen=True)
class Failure:
    """Why pods could not be created or deleted: reason FailedCreate or FailedDelete."""

    reason: str
    message: str


def decide(
    replica_set: replicaset_pb2.ReplicaSet,
    pods: Iterable[pod_pb2.Pod],
    siblings: Iterable[pod_pb2.Pod],
    now: float,
) -> Plan:
    """`siblings` are the pods of all ReplicaSets with the same owner: nodes that hold many of them lose one first."""
    if replica_set.metadata.HasField("deletionTimestamp"):
        return Plan()
    active = [pod for pod in pods if is_active(pod)]
    missing = replica_set.spec.replicas - len(active)
    if missing > 0:
        return Plan(create=min(missing, BURST))
    if missing < 0:
        count = min(-missing, BURST)
        return Plan(delete=surplus(active, count, [pod for pod in siblings if is_active(pod)], now))
    return Plan()


def pod_for(replica_set: replicaset_pb2.ReplicaSet) -> pod_pb2.Pod:
    """A new pod, named here and not by the server, so that a lost answer can be asked for."""
    template = replica_set.spec.template
    prefix = f"{replica_set.metadata.name}-"
    metadata = meta_pb2.ObjectMeta(
        name=names.generate(prefix),
        generateName=prefix,
        namespace=replica_set.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        finalizers=template.metadata.finalizers,
        ownerReferences=[reference_to(replica_set)],
    )
    return pod_pb2.Pod(metadata=metadata, spec=template.spec)


def next_availability_s(
    replica_set: replicaset_pb2.ReplicaSet, pods: Iterable[pod_pb2.Pod], now: float
) -> float | None:
    """Seconds until the next pod has been ready for minReadySeconds; None when none is on its way."""
    waits = (available_in_s(pod, replica_set.spec.minReadySeconds, now) for pod in pods if is_active(pod))
    return min((wait for wait in waits if wait), default=None)


def status(
    replica_set: replicaset_pb2.ReplicaSet, pods: Sequence[pod_pb2.Pod], failure: Failure | None, now: float
) -> replicaset_pb2.ReplicaSetStatus:
    """The status that these pods make."""
    active = [pod for pod in pods if is_active(pod)]
    spec = replica_set.spec
    wanted_labels = spec.template.metadata.labels
    return replicaset_pb2.ReplicaSetStatus(
        replicas=len(active),
        fullyLabeledReplicas=sum(_carries(pod, wanted_labels) for pod in active),
        readyReplicas=sum(is_ready(pod) for pod in active),
        availableReplicas=sum(available_in_s(pod, spec.minReadySeconds, now) == 0 for pod in active),
        observedGeneration=replica_set.metadata.generation,
        conditions=_conditions(replica_set.status, failure, now),
    )


def _carries(pod: pod_pb2.Pod, labels: Mapping[str, str]) -> bool:
    return all(pod.metadata.labels.get(name) == value for name, value in labels.items())


def _conditions(
    old: replicaset_pb2.ReplicaSetStatus, failure: Failure | None, now: float
) -> list[replicaset_pb2.ReplicaSetCondition]:
    others = [kept for kept in old.conditions if kept.type != REPLICA_FAILURE]
    if failure is None:
        return others
    known = condition(old.conditions, REPLICA_FAILURE)
    if known is not None and known.reason == failure.reason:
        return [*others, known]
    told = replicaset_pb2.ReplicaSetCondition(
        type=REPLICA_FAILURE,
        status="True",
        reason=failure.reason,
        message=failure.message,
        lastTransitionTime=meta_pb2.Time(seconds=int(now)),
    )
    return [*others, told]
