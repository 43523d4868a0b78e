"""How it is with a Job, in one word."""

from podlab.api.objects import is_true
from podlab.batch.v1.job_pb2 import Job


def job_state(item: Job) -> str:
    """One word for how it is with a Job."""
    for name in ("Complete", "Failed"):
        if is_true(item.status.conditions, name):
            return name
    if item.metadata.HasField("deletionTimestamp"):
        return "Terminating"
    waiting = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((name for name in waiting if is_true(item.status.conditions, name)), "Running")
