"""What a Deployment's rollout is at, and the revisions it can go back to: decided from the objects alone."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass

from podlab.api import codec
from podlab.api.objects import condition, controller_of
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.failures import CommandError
from podlab.core.v1.pod_pb2 import PodTemplateSpec

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_TEMPLATE_HASH = "pod-template-hash"


@dataclass(frozen=True)
class Progress:
    """`text` for the user; `failed` when no more can be expected of it."""

    text: str
    done: bool = False
    failed: bool = False


def progress(deployment: Deployment) -> Progress:
    """In kubectl's words."""
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


@dataclass(frozen=True)
class Revision:
    """One state that the Deployment's pod template has had."""

    number: int
    change_cause: str
    template: PodTemplateSpec


def history(deployment: Deployment, replica_sets: Iterable[ReplicaSet]) -> list[Revision]:
    """Oldest first, of the ReplicaSets that the Deployment owns; templates without the controller's label."""
    found = []
    for one in replica_sets:
        owner = controller_of(one.metadata)
        number = one.metadata.annotations.get(REVISION, "")
        if owner is None or owner.uid != deployment.metadata.uid or not number.isdecimal():
            continue
        template = copy.deepcopy(one.spec.template)
        template.metadata.labels.pop(_TEMPLATE_HASH, None)
        found.append(Revision(int(number), one.metadata.annotations.get(CHANGE_CAUSE, ""), template))
    return sorted(found, key=lambda revision: revision.number)


def rolled_back(deployment: Deployment, revisions: list[Revision], number: int) -> Deployment | None:
    """The Deployment with that revision's template (0: the one before); None when it has that template already."""
    name = deployment.metadata.name
    if deployment.spec.paused:
        raise CommandError(f'deployment "{name}" is paused: set spec.paused to false before going back')
    chosen = next((one for one in revisions if one.number == number), None)
    if number == 0:
        if len(revisions) < 2:
            raise CommandError(f'no rollout history found for deployment "{name}"')
        chosen = revisions[-2]
    if chosen is None:
        known = ", ".join(str(one.number) for one in revisions) or "none"
        raise CommandError(f'unable to find revision {number} of deployment "{name}": there are {known}')
    # As JSON, where an empty part that is present and one that is absent are the same.
    if codec.part_to_dict(chosen.template) == codec.part_to_dict(deployment.spec.template):
        return None
    changed = copy.deepcopy(deployment)
    changed.spec.template.CopyFrom(chosen.template)
    if chosen.change_cause:
        changed.metadata.annotations[CHANGE_CAUSE] = chosen.change_cause
    else:
        changed.metadata.annotations.pop(CHANGE_CAUSE, None)
    return changed
