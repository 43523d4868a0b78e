"""The tables of what keeps pods running, starts them and looks after their number."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from podlab.api import autoscalerstate, times
from podlab.api.cells import NONE, UNSET, Cells, Table, age, joined, labels, selector
from podlab.api.objects import controller_of, is_true
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.batch.v1.job_pb2 import Job
from podlab.core.v1.pod_pb2 import Container, PodSpec
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.meta.v1.meta_pb2 import IntOrString
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


def _made_of(spec: PodSpec) -> Cells:
    containers: Sequence[Container] = spec.containers
    return [joined(one.name for one in containers), joined(one.image for one in containers)]


def _replication_controller(item: ReplicationController, now: datetime) -> Cells:
    counts = (item.spec.replicas, item.status.replicas, item.status.readyReplicas)
    wide = (*_made_of(item.spec.template.spec), labels(item.spec.selector))
    return [item.metadata.name, *map(str, counts), age(item, now), *wide]


def _daemon_set(item: DaemonSet, now: datetime) -> Cells:
    status = item.status
    counts = (
        status.desiredNumberScheduled, status.currentNumberScheduled, status.numberReady,
        status.updatedNumberScheduled, status.numberAvailable,
    )  # fmt: skip
    template = item.spec.template.spec
    wide = (*_made_of(template), selector(item.spec.selector))
    return [item.metadata.name, *map(str, counts), labels(template.nodeSelector), age(item, now), *wide]


def _stateful_set(item: StatefulSet, now: datetime) -> Cells:
    ready = f"{item.status.readyReplicas}/{item.spec.replicas}"
    return [item.metadata.name, ready, age(item, now), *_made_of(item.spec.template.spec)]


def _controller_revision(item: ControllerRevision, now: datetime) -> Cells:
    owner = controller_of(item.metadata)
    named = NONE
    if owner is not None:
        group, slash, _ = owner.apiVersion.rpartition("/")
        named = f"{owner.kind.lower()}{f'.{group}' if slash else ''}/{owner.name}"
    return [item.metadata.name, named, str(item.revision), age(item, now)]


def _job(item: Job, now: datetime) -> Cells:
    wide = (*_made_of(item.spec.template.spec), selector(item.spec.selector))
    return [item.metadata.name, job_state(item), _completions(item), _duration(item, now), age(item, now), *wide]


def job_state(item: Job) -> str:
    """One word for how it is with a Job."""
    for name in ("Complete", "Failed"):
        if is_true(item.status.conditions, name):
            return name
    if item.metadata.HasField("deletionTimestamp"):
        return "Terminating"
    waiting = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((name for name in waiting if is_true(item.status.conditions, name)), "Running")


def _completions(item: Job) -> str:
    if item.spec.HasField("completions"):
        return f"{item.status.succeeded}/{item.spec.completions}"
    parallel = f" of {item.spec.parallelism}" if item.spec.parallelism > 1 else ""
    return f"{item.status.succeeded}/1{parallel}"


def _duration(item: Job, now: datetime) -> str:
    status = item.status
    if not status.HasField("startTime"):
        return ""
    end = times.to_datetime(status.completionTime) if status.HasField("completionTime") else now
    return times.duration((end - times.to_datetime(status.startTime)).total_seconds())


def _cron_job(item: CronJob, now: datetime) -> Cells:
    spec, status = item.spec, item.status
    template = spec.jobTemplate.spec
    return [
        item.metadata.name,
        spec.schedule,
        spec.timeZone if spec.HasField("timeZone") else NONE,
        str(spec.suspend) if spec.HasField("suspend") else UNSET,
        str(len(status.active)),
        times.age(status.lastScheduleTime, now) if status.HasField("lastScheduleTime") else NONE,
        age(item, now),
        *_made_of(template.template.spec),
        selector(template.selector),
    ]


def _autoscaler(item: HorizontalPodAutoscaler, now: datetime) -> Cells:
    spec = item.spec
    return [
        item.metadata.name,
        f"{spec.scaleTargetRef.kind}/{spec.scaleTargetRef.name}",
        autoscalerstate.targets(spec.metrics, item.status.currentMetrics),
        str(spec.minReplicas) if spec.HasField("minReplicas") else UNSET,
        str(spec.maxReplicas),
        str(item.status.currentReplicas),
        age(item, now),
    ]


def _budget(item: PodDisruptionBudget, now: datetime) -> Cells:
    bounds = (_bound(item.spec, "minAvailable"), _bound(item.spec, "maxUnavailable"))
    return [item.metadata.name, *bounds, str(item.status.disruptionsAllowed), age(item, now)]


def _bound(spec: Any, name: str) -> str:
    value: IntOrString = getattr(spec, name)
    if not spec.HasField(name):
        return "N/A"
    return value.strVal if value.type == 1 else str(value.intVal)


_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_DAEMONS = "NAME|DESIRED|CURRENT|READY|UP-TO-DATE|AVAILABLE|NODE SELECTOR|AGE"
_CRON_JOBS = "NAME|SCHEDULE|TIMEZONE|SUSPEND|ACTIVE|LAST SCHEDULE|AGE"
_AUTOSCALERS = "NAME|REFERENCE|TARGETS|MINPODS|MAXPODS|REPLICAS|AGE"
_BUDGETS = "NAME|MIN AVAILABLE|MAX UNAVAILABLE|ALLOWED DISRUPTIONS|AGE"
TABLES: dict[str, Table] = {
    "ReplicationController": Table(
        _replication_controller, ("NAME", "DESIRED", "CURRENT", "READY", "AGE", *_WIDE), frozenset(_WIDE)
    ),
    "DaemonSet": Table(_daemon_set, (*_DAEMONS.split("|"), *_WIDE), frozenset(_WIDE)),
    "StatefulSet": Table(_stateful_set, ("NAME", "READY", "AGE", *_WIDE[:2]), frozenset(_WIDE)),
    "ControllerRevision": Table(_controller_revision, ("NAME", "CONTROLLER", "REVISION", "AGE")),
    "Job": Table(_job, ("NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", *_WIDE), frozenset(_WIDE)),
    "CronJob": Table(_cron_job, (*_CRON_JOBS.split("|"), *_WIDE), frozenset(_WIDE)),
    "HorizontalPodAutoscaler": Table(_autoscaler, tuple(_AUTOSCALERS.split("|"))),
    "PodDisruptionBudget": Table(_budget, tuple(_BUDGETS.split("|"))),
}
