"""Which pods were to go and stay after all."""

from __future__ import annotations

import pytest

from master.controllers.workloads.disruption.staleness import STALE_AFTER_S, stale_in_s
from podlab.core.v1.pod_pb2 import Pod

NOW = 1_000_000.0


def pod(status: str = "True", age_s: int = 0, reason: str = "PreemptionByScheduler", phase: str = "Running") -> Pod:
    made = Pod()
    made.status.phase = phase
    told = made.status.conditions.add(type="DisruptionTarget", status=status, reason=reason)
    told.lastTransitionTime.seconds = int(NOW) - age_s
    return made


def going() -> Pod:
    made = pod(age_s=1000)
    made.metadata.deletionTimestamp.seconds = int(NOW)
    return made


@pytest.mark.parametrize(
    ("standing", "in_s"),
    [
        (pod(), STALE_AFTER_S),
        (pod(age_s=STALE_AFTER_S - 1), 1),
        (pod(age_s=STALE_AFTER_S), 0),
        (pod(age_s=STALE_AFTER_S + 5), -5),
        (pod(age_s=1000, reason="EvictionByEvictionAPI"), STALE_AFTER_S - 1000),
        (pod("False", 1000), None),
        (pod(age_s=1000, reason="TerminationByKubelet"), None),
        (pod(age_s=1000, phase="Failed"), None),
        (pod(age_s=1000, phase="Succeeded"), None),
        (going(), None),
        (Pod(), None),
    ],
)
def test_who_was_not_deleted_within_two_minutes_stays(standing: Pod, in_s: float | None) -> None:
    assert stale_in_s(standing, NOW) == in_s
