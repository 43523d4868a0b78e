"""The revisions that a workload can go back to, and how it goes there: decided from the objects alone."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import orjson

from podlab.api import kinds
from podlab.api.objects import controller_of
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.api.serializer import codec
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli.failures import CommandError
from podlab.core.v1.pod_pb2 import PodTemplateSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_TEMPLATE_HASH = "pod-template-hash"
W = TypeVar("W", Deployment, DaemonSet, StatefulSet)


@dataclass(frozen=True)
class Revision:
    """One state that the workload's pod template has had."""

    number: int
    change_cause: str
    template: PodTemplateSpec


def history(owner: ObjectMeta, kept: Iterable[ReplicaSet | ControllerRevision]) -> list[Revision]:
    """Oldest first, of what the workload owns; templates without the controller's label."""
    mine = [one for one in kept if (by := controller_of(one.metadata)) is not None and by.uid == owner.uid]
    found = [_of_set(one) if isinstance(one, ReplicaSet) else _of_record(one) for one in mine]
    return sorted((one for one in found if one is not None), key=lambda revision: revision.number)


def _of_set(one: ReplicaSet) -> Revision | None:
    number = one.metadata.annotations.get(REVISION_ANNOTATION, "")
    if not number.isdecimal():
        return None
    template = copy.deepcopy(one.spec.template)
    template.metadata.labels.pop(_TEMPLATE_HASH, None)
    return Revision(int(number), one.metadata.annotations.get(CHANGE_CAUSE, ""), template)


def _of_record(one: ControllerRevision) -> Revision:
    """Its data is a patch that replaces the template."""
    template = dict(orjson.loads(one.data.raw)["spec"]["template"])
    template.pop("$patch", None)
    made = codec.part_from_dict(template, PodTemplateSpec)
    return Revision(one.revision, one.metadata.annotations.get(CHANGE_CAUSE, ""), made)


def rolled_back(workload: W, revisions: list[Revision], number: int) -> W | None:
    """The workload with that revision's template (0: the one before); None when it has that template already."""
    name = workload.metadata.name
    about = f'{kinds.of(workload).singular} "{name}"'
    if isinstance(workload, Deployment) and workload.spec.paused:
        remedy = f"resume it first with 'podlab rollout resume deployment/{name}' and try again"
        raise CommandError(f"you cannot rollback a paused deployment; {remedy}")
    chosen = next((one for one in revisions if one.number == number), None)
    if number == 0:
        if len(revisions) < 2:
            raise CommandError(f"no rollout history found for {about}: there is no revision before this one")
        chosen = revisions[-2]
    if chosen is None:
        known = ", ".join(str(one.number) for one in revisions) or "none"
        raise CommandError(f"unable to find revision {number} of {about}: there are {known}")
    # As JSON, where an empty part that is present and one that is absent are the same.
    if codec.part_to_dict(chosen.template) == codec.part_to_dict(workload.spec.template):
        return None
    changed = copy.deepcopy(workload)
    changed.spec.template.CopyFrom(chosen.template)
    if chosen.change_cause:
        changed.metadata.annotations[CHANGE_CAUSE] = chosen.change_cause
    else:
        changed.metadata.annotations.pop(CHANGE_CAUSE, None)
    return changed


def paused(deployment: Deployment, pause: bool) -> Deployment:
    """The Deployment paused, or going on. Raises CommandError when it is so already."""
    if deployment.spec.paused == pause:
        state = "is already paused" if pause else "is not paused"
        raise CommandError(f'deployments.apps "{deployment.metadata.name}" {state}')
    changed = copy.deepcopy(deployment)
    changed.spec.paused = pause
    return changed


def restarted(workload: W, stamp: str) -> W:
    """The workload with a template that differs by the time alone, so that all pods are replaced."""
    name = workload.metadata.name
    if isinstance(workload, Deployment) and workload.spec.paused:
        remedy = f"run 'podlab rollout resume deployment/{name}' first"
        raise CommandError(f'can\'t restart paused deployment "{name}" ({remedy})')
    changed = copy.deepcopy(workload)
    changed.spec.template.metadata.annotations[RESTARTED_AT] = stamp
    return changed
