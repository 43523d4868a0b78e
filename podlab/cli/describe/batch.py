"""Jobs and CronJobs."""

from podlab.api import cells
from podlab.api.objects import condition
from podlab.api.values import times
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.batch.v1.job_pb2 import Job, JobSpec
from podlab.cli.describe import layout, pod
from podlab.cli.describe.basics import Related, conditions, events, heading, moment
from podlab.cli.describe.layout import Fields


def job(found: Job, related: Related) -> Fields:
    spec, status = found.spec, found.status
    counts = f"{status.active} Active ({status.ready} Ready) / {status.succeeded} Succeeded / {status.failed} Failed"
    fields = [
        *heading(found.metadata),
        layout.field("Selector", cells.selector(spec.selector)),
        *_bounds(spec),
        layout.field("Completion Mode", spec.completionMode or layout.NONE),
        layout.field("Suspend", str(spec.suspend).lower()),
        layout.field("Backoff Limit", str(spec.backoffLimit)),
    ]
    if spec.HasField("ttlSecondsAfterFinished"):
        fields.append(layout.field("TTL Seconds After Finished", str(spec.ttlSecondsAfterFinished)))
    if spec.HasField("managedBy"):
        fields.append(layout.field("Managed By", spec.managedBy))
    if status.HasField("startTime"):
        fields.append(layout.field("Start Time", moment(status.startTime)))
    if status.HasField("completionTime"):
        seconds = status.completionTime.seconds - status.startTime.seconds
        fields.append(layout.field("Completed At", moment(status.completionTime)))
        fields.append(layout.field("Duration", times.duration(seconds)))
    if condition(status.conditions, "Suspended") is None or status.active:
        fields.append(layout.field("Pods Statuses", counts))
    if spec.completionMode == "Indexed":
        fields.append(layout.field("Completed Indexes", status.completedIndexes or layout.NONE))
    if status.HasField("failedIndexes"):
        fields.append(layout.field("Failed Indexes", status.failedIndexes or layout.NONE))
    return [
        *fields,
        layout.group("Pod Template", pod.template(spec.template)),
        conditions(status.conditions),
        events(related),
    ]


def cron_job(found: CronJob, related: Related) -> Fields:
    spec, status = found.spec, found.status
    template = spec.jobTemplate.spec
    deadline = f"{spec.startingDeadlineSeconds}s" if spec.HasField("startingDeadlineSeconds") else "<unset>"
    last = moment(status.lastScheduleTime) if status.HasField("lastScheduleTime") else "<unset>"
    return [
        *heading(found.metadata),
        layout.field("Schedule", spec.schedule),
        layout.field("Time Zone", spec.timeZone or "<unset>"),
        layout.field("Concurrency Policy", spec.concurrencyPolicy),
        layout.field("Suspend", str(spec.suspend)),
        layout.field("Successful Job History Limit", str(spec.successfulJobsHistoryLimit)),
        layout.field("Failed Job History Limit", str(spec.failedJobsHistoryLimit)),
        layout.field("Starting Deadline Seconds", deadline),
        layout.field("Selector", cells.selector(template.selector)),
        *_bounds(template),
        layout.group("Pod Template", pod.template(template.template)),
        layout.field("Last Schedule Time", last),
        layout.field("Last Successful Time", moment(status.lastSuccessfulTime)),
        layout.field("Active Jobs", [one.name for one in status.active]),
        events(related),
    ]


def _bounds(spec: JobSpec) -> Fields:
    fields = [
        layout.field("Parallelism", str(spec.parallelism) if spec.HasField("parallelism") else "<unset>"),
        layout.field("Completions", str(spec.completions) if spec.HasField("completions") else "<unset>"),
    ]
    if spec.HasField("activeDeadlineSeconds"):
        fields.append(layout.field("Active Deadline Seconds", f"{spec.activeDeadlineSeconds}s"))
    return fields
