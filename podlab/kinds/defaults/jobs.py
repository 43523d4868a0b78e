"""What Jobs get, and the templates that Jobs are made from."""

from podlab.batch.v1 import job_pb2
from podlab.kinds.defaults.pod import apply_to_spec


def apply_to_job_spec(spec: job_pb2.JobSpec) -> None:
    """What is not decided for each Job by itself."""
    for rule in spec.podFailurePolicy.rules:
        for pattern in rule.onPodConditions:
            pattern.status = pattern.status or "True"
    apply_to_spec(spec.template.spec)
