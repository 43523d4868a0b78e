"""What a Job's podFailurePolicy says of a pod that failed: the first rule that matches counts.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class PolicyMatch:
    """`action` is Count, FailIndex, FailJob or Ignore; `message` tells which rule found what."""

    action: str
    message: str


NO_RULE = PolicyMatch("Count", "")


def match_rule(job: job_pb2.Job, pod: pod_pb2.Pod) -> PolicyMatch:
    """For a pod that failed."""
    for number, rule in enumerate(job.spec.podFailurePolicy.rules):
        found = next(_findings(rule, pod), None)
        if found is not None:
            return PolicyMatch(rule.action, f"{found} matching {rule.action} rule at index {number}")
    return NO_RULE


def is_ignored(job: job_pb2.Job, pod: pod_pb2.Pod) -> bool:
    return match_rule(job, pod).action == "Ignore"


def _findings(rule: job_pb2.PodFailurePolicyRule, pod: pod_pb2.Pod) -> Iterator[str]:
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    if rule.HasField("onExitCodes"):
        for status in (*pod.status.containerStatuses, *pod.status.initContainerStatuses):
            code = status.state.terminated.exitCode
            if _takes(rule.onExitCodes, status.name, code):
                yield f"Container {status.name} for pod {name} failed with exit code {code}"
    for pattern in rule.onPodConditions:
        if any((one.type, one.status) == (pattern.type, pattern.status) for one in pod.status.conditions):
            yield f"Pod {name} has condition {pattern.type}"


def _takes(wanted: job_pb2.PodFailurePolicyOnExitCodesRequirement, container: str, code: int) -> bool:
    """A container that ended well, or has not ended, has no exit code here."""
    if code == 0 or (wanted.HasField("containerName") and wanted.containerName != container):
        return False
    return (code in wanted.values) == (wanted.operator == "In")
