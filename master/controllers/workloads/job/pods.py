"""A Job's pods: what marks them as its own, and what each of them has come to.

A pod carries the finalizer TRACKING from its creation until the Job's status has taken in how it ended.
https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers
"""

from __future__ import annotations

from collections.abc import Iterable

from master.controllers.objects.ownership import reference_to
from master.controllers.objects.podstate import is_being_deleted
from podlab.api.objects import condition
from podlab.api.pods.podphase import is_terminal
from podlab.api.values import names
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

TRACKING = "batch.kubernetes.io/job-tracking"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of an Indexed Job's pod, and what its containers' environment is read from."""
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_ENV = "JOB_COMPLETION_INDEX"


def is_indexed(job: job_pb2.Job) -> bool:
    return job.spec.completionMode == "Indexed"


def has_index_limit(job: job_pb2.Job) -> bool:
    """Whether each index has failures of its own."""
    return job.spec.HasField("backoffLimitPerIndex")


def replaces_failed_only(job: job_pb2.Job) -> bool:
    """Whether a pod that is being stopped is waited for."""
    return job.spec.podReplacementPolicy == "Failed"


def is_tracked(pod: pod_pb2.Pod) -> bool:
    """Whether how it ends is still to be taken in."""
    return TRACKING in pod.metadata.finalizers


def index_of(pod: pod_pb2.Pod) -> int | None:
    """The index that it works on; None when it has none that can be read."""
    text = pod.metadata.annotations.get(COMPLETION_INDEX, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def has_valid_index(job: job_pb2.Job, pod: pod_pb2.Pod) -> bool:
    """False for a pod whose index the Job does not have, or has no more."""
    if not is_indexed(job):
        return True
    index = index_of(pod)
    return index is not None and index < job.spec.completions


def has_succeeded(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Succeeded"


def has_failed(job: job_pb2.Job, pod: pod_pb2.Pod) -> bool:
    """Whether it is lost to the Job: it failed, or it goes and is not waited for."""
    if pod.status.phase == "Failed":
        return True
    return is_being_deleted(pod) and not has_succeeded(pod) and (not replaces_failed_only(job) or is_abandoned(pod))


def is_abandoned(pod: pod_pb2.Pod) -> bool:
    """True of a pod that goes and that no kubelet runs: it never reached a node, or was deleted without waiting."""
    return is_being_deleted(pod) and (not pod.spec.nodeName or pod.metadata.deletionGracePeriodSeconds == 0)


def is_terminating(pod: pod_pb2.Pod) -> bool:
    """It is being stopped, and may still work."""
    return is_being_deleted(pod) and not is_terminal(pod) and not is_abandoned(pod)


def ended_at(pod: pod_pb2.Pod) -> int:
    """When (Unix time, seconds) it ended, as far as that is known."""
    containers = max((one.state.terminated.finishedAt.seconds for one in pod.status.containerStatuses), default=0)
    if containers:
        return int(containers)
    if is_being_deleted(pod):
        return int(pod.metadata.deletionTimestamp.seconds - pod.metadata.deletionGracePeriodSeconds)
    ready = condition(pod.status.conditions, "Ready")
    return int((ready.lastTransitionTime.seconds if ready else 0) or pod.metadata.creationTimestamp.seconds)


def failures_of_index(pod: pod_pb2.Pod) -> int:
    """How often its index had failed before it."""
    return _count(pod, INDEX_FAILURES)


def ignored_of_index(pod: pod_pb2.Pod) -> int:
    """How often its index had failed before it without that being counted."""
    return _count(pod, INDEX_IGNORED)


def pod_for(job: job_pb2.Job, index: int | None = None, *, failures: int = 0, ignored: int = 0) -> pod_pb2.Pod:
    """A new pod, named here and not by the server, so that a lost answer can be asked for."""
    template = job.spec.template
    prefix = f"{job.metadata.name}-" if index is None else f"{job.metadata.name}-{index}-"
    metadata = meta_pb2.ObjectMeta(
        name=names.generate(prefix),
        generateName=prefix,
        namespace=job.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        finalizers=[*(one for one in template.metadata.finalizers if one != TRACKING), TRACKING],
        ownerReferences=[reference_to(job)],
    )
    pod = pod_pb2.Pod(metadata=metadata, spec=template.spec)
    if index is not None:
        _give_index(job, pod, index)
    if has_index_limit(job):
        pod.metadata.annotations[INDEX_FAILURES] = str(failures)
        if ignored:
            pod.metadata.annotations[INDEX_IGNORED] = str(ignored)
    return pod


def _give_index(job: job_pb2.Job, pod: pod_pb2.Pod, index: int) -> None:
    pod.metadata.annotations[COMPLETION_INDEX] = pod.metadata.labels[COMPLETION_INDEX] = str(index)
    pod.spec.hostname = f"{job.metadata.name}-{index}"
    for container in (*pod.spec.initContainers, *pod.spec.containers):
        if not _is_set(container.env, INDEX_ENV):
            source = container.env.add(name=INDEX_ENV).valueFrom.fieldRef
            source.fieldPath = f"metadata.labels['{COMPLETION_INDEX}']"


def _is_set(env: Iterable[pod_pb2.EnvVar], name: str) -> bool:
    return any(one.name == name for one in env)


def _count(pod: pod_pb2.Pod, annotation: str) -> int:
    text = pod.metadata.annotations.get(annotation, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
