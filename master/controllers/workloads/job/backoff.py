"""How long a Job waits before it replaces a pod that failed: 10 s, doubled by each failure in a row, up to 6 minutes.

What it needs to know stands in the pods, so that a restart of the controllers forgets none of it.
https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
"""

from __future__ import annotations

from collections.abc import Iterable

from master.controllers.objects.podstate import is_being_deleted
from master.controllers.workloads.job.pods import (
    ended_at,
    failures_of_index,
    has_failed,
    has_succeeded,
    ignored_of_index,
    is_tracked,
)
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2

FIRST_S = 10
LIMIT_S = 360


def delay_s(failures: int) -> int:
    """After so many failures in a row."""
    return min(LIMIT_S, FIRST_S << min(failures - 1, 32)) if failures > 0 else 0


def wait_s(job: job_pb2.Job, pods: Iterable[pod_pb2.Pod], now: float) -> float:
    """Seconds until another pod may be made; 0 when one may."""
    pods = list(pods)
    success = max((ended_at(pod) for pod in pods if has_succeeded(pod)), default=0)
    # Pods that the Job itself stops are let go of first: they are no failures.
    failed = (pod for pod in pods if has_failed(job, pod) and (is_tracked(pod) or not is_being_deleted(pod)))
    since = [ended for pod in failed if (ended := ended_at(pod)) > success]
    return _rest_s(len(since), max(since, default=0), now)


def index_wait_s(last: pod_pb2.Pod, now: float) -> float:
    """The same for an index whose last pod failed, where each index has a limit of its own."""
    return _rest_s(failures_of_index(last) + ignored_of_index(last) + 1, ended_at(last), now)


def _rest_s(failures: int, last: int, now: float) -> float:
    return max(0.0, last + delay_s(failures) - now)
