"""What a workload's rollout is at, decided from the object alone, in kubectl's words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from podlab.api.objects import condition
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli.failures import CommandError

Workload = Deployment | DaemonSet | StatefulSet


@dataclass(frozen=True)
class Progress:
    """`text` for the user; `failed` when no more can be expected of it."""

    text: str
    done: bool = False
    failed: bool = False


def progress(workload: Workload) -> Progress:
    """Raises CommandError for a workload that replaces no pods of itself."""
    return _OF[type(workload)](workload)


def _of_deployment(deployment: Deployment) -> Progress:
    name, status = deployment.metadata.name, deployment.status
    if deployment.metadata.generation > status.observedGeneration:
        return Progress("Waiting for deployment spec update to be observed...")
    progressing = condition(status.conditions, "Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return Progress(f'deployment "{name}" exceeded its progress deadline', failed=True)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    wanted = deployment.spec.replicas
    if status.updatedReplicas < wanted:
        return Progress(f"{waiting}{status.updatedReplicas} out of {wanted} new replicas have been updated...")
    if status.replicas > status.updatedReplicas:
        old = status.replicas - status.updatedReplicas
        return Progress(f"{waiting}{old} old replicas are pending termination...")
    if status.availableReplicas < status.updatedReplicas:
        available = f"{status.availableReplicas} of {status.updatedReplicas} updated replicas are available..."
        return Progress(waiting + available)
    return Progress(f'deployment "{name}" successfully rolled out', done=True)


def _of_daemon_set(daemon_set: DaemonSet) -> Progress:
    name, status = daemon_set.metadata.name, daemon_set.status
    _check_rolling(daemon_set.spec.updateStrategy.type)
    if daemon_set.metadata.generation > status.observedGeneration:
        return Progress("Waiting for daemon set spec update to be observed...")
    waiting, wanted = f'Waiting for daemon set "{name}" rollout to finish: ', status.desiredNumberScheduled
    if status.updatedNumberScheduled < wanted:
        return Progress(f"{waiting}{status.updatedNumberScheduled} out of {wanted} new pods have been updated...")
    if status.numberAvailable < wanted:
        return Progress(f"{waiting}{status.numberAvailable} of {wanted} updated pods are available...")
    return Progress(f'daemon set "{name}" successfully rolled out', done=True)


def _of_stateful_set(stateful_set: StatefulSet) -> Progress:
    spec, status = stateful_set.spec, stateful_set.status
    _check_rolling(spec.updateStrategy.type)
    if not status.observedGeneration or stateful_set.metadata.generation > status.observedGeneration:
        return Progress("Waiting for statefulset spec update to be observed...")
    if status.readyReplicas < spec.replicas:
        return Progress(f"Waiting for {spec.replicas - status.readyReplicas} pods to be ready...")
    updated, wanted = status.updatedReplicas, spec.replicas - spec.updateStrategy.rollingUpdate.partition
    if updated < wanted:
        told = f"{updated} out of {wanted} new pods have been updated..."
        return Progress(f"Waiting for partitioned roll out to finish: {told}")
    # Also without a partition, which is one of 0.
    return Progress(f"partitioned roll out complete: {updated} new pods have been updated...", done=True)


def _check_rolling(strategy: str) -> None:
    if strategy != "RollingUpdate":
        raise CommandError(
            f"rollout status is only available for RollingUpdate strategy type: with {strategy} a pod is replaced"
            " when somebody deletes it"
        )


_OF: dict[type[Workload], Callable[[Any], Progress]] = {
    Deployment: _of_deployment,
    DaemonSet: _of_daemon_set,
    StatefulSet: _of_stateful_set,
}
