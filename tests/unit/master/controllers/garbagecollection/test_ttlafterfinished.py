"""When a finished Job is to go."""

from __future__ import annotations

import pytest

from master.controllers.garbagecollection.ttlafterfinished import expires_at
from podlab.batch.v1 import job_pb2


@pytest.mark.parametrize(
    ("ttl_s", "end", "going", "expected"),
    [
        pytest.param(60, "Complete", False, 160, id="it succeeded"),
        pytest.param(0, "Failed", False, 100, id="it failed, and goes at once"),
        pytest.param(60, "FailureTarget", False, None, id="it is about to fail"),
        pytest.param(60, "Suspended", False, None, id="it has not finished"),
        pytest.param(None, "Complete", False, None, id="it is kept"),
        pytest.param(60, "Complete", True, None, id="it goes already"),
    ],
)
def test_a_job_goes_so_long_after_it_finished(ttl_s: int | None, end: str, going: bool, expected: int | None) -> None:
    job = job_pb2.Job()
    if ttl_s is not None:
        job.spec.ttlSecondsAfterFinished = ttl_s
    job.status.conditions.add(type=end, status="True").lastTransitionTime.seconds = 100
    if going:
        job.metadata.deletionTimestamp.seconds = 110
    assert expires_at(job) == expected
