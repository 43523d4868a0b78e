"""When a CronJob starts a Job, and which it lets go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.workloads.cronjob.decide import CronJobPlan, decide, started
from master.controllers.workloads.cronjob.jobs import SCHEDULED, job_for
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.meta.v1 import meta_pb2

NOW = datetime(2030, 5, 15, 12, 0, 30, tzinfo=UTC)


def cron_job(
    schedule: str = "* * * * *",
    *,
    last: str = "12:00",
    policy: str = "Allow",
    active: tuple[str, ...] = (),
    **spec: Any,
) -> cronjob_pb2.CronJob:
    made = cronjob_pb2.CronJob(metadata=meta_pb2.ObjectMeta(name="tick", namespace="default", uid="uid-tick"))
    made.metadata.creationTimestamp.seconds = int((NOW - timedelta(days=300)).timestamp())
    made.spec.schedule, made.spec.concurrencyPolicy = schedule, policy
    made.spec.successfulJobsHistoryLimit, made.spec.failedJobsHistoryLimit = 3, 1
    made.spec.jobTemplate.metadata.labels["app"] = "tick"
    for name, value in spec.items():
        setattr(made.spec, name, value)
    made.status.lastScheduleTime.seconds = int(at(last).timestamp())
    for name in active:
        made.status.active.add(name=name, uid=f"uid-{name}")
    return made


def at(text: str) -> datetime:
    """A time of the day, or of another day."""
    return datetime.fromisoformat(text if "-" in text else f"2030-05-15 {text}").replace(tzinfo=UTC)


def job(when: str, end: str = "", *, by_hand: bool = False) -> job_pb2.Job:
    made = job_for(cron_job(), at(when), UTC)
    made.metadata.uid = f"uid-{made.metadata.name}"
    made.status.startTime.seconds = int(at(when).timestamp())
    if by_hand:
        del made.metadata.annotations[SCHEDULED]
    if end:
        made.status.conditions.add(type=end, status="True")
    if end == "Complete":
        made.status.completionTime.seconds = made.status.startTime.seconds + 5
    return made


def name_of(when: str) -> str:
    return f"tick-{int(at(when).timestamp()) // 60}"


@pytest.mark.parametrize(
    ("looks", "jobs", "expected"),
    [
        # the time for which one is started, how many are replaced, reasons of Events
        pytest.param({}, [], (None, 0, []), id="nothing to do"),
        pytest.param({"last": "11:59"}, [], ("12:00", 0, []), id="its time has come"),
        pytest.param({"last": "11:50"}, [], ("12:00", 0, []), id="of several missed times the last one counts"),
        pytest.param({"last": "10:00"}, [], ("12:00", 0, ["TooManyMissedTimes"]), id="a hundred were missed"),
        pytest.param({"last": "11:59", "suspend": True}, [], (None, 0, []), id="suspended"),
        pytest.param({"last": "11:59"}, [job("12:00")], (None, 0, []), id="started, and the status does not tell yet"),
        pytest.param({"last": "11:59"}, [job("11:59")], ("12:00", 0, []), id="beside another"),
        pytest.param(
            {"last": "11:59", "policy": "Forbid"}, [job("11:59")], (None, 0, ["JobAlreadyActive"]), id="not beside it"
        ),
        pytest.param(
            {"last": "11:59", "policy": "Forbid"}, [job("11:59", "Failed")], ("12:00", 0, []), id="it has ended"
        ),
        pytest.param({"last": "11:59", "policy": "Replace"}, [job("11:59")], ("12:00", 1, []), id="in place of it"),
        pytest.param({"last": "11:59", "startingDeadlineSeconds": 31}, [], ("12:00", 0, []), id="late, but in time"),
        pytest.param({"last": "11:59", "startingDeadlineSeconds": 30}, [], (None, 0, []), id="too late"),
        pytest.param(
            {"schedule": "0 14 * * *", "last": "2030-05-14 12:00", "timeZone": "Europe/Berlin"},
            [],
            ("12:00", 0, []),
            id="two in the afternoon in Berlin",
        ),
        pytest.param({"schedule": "@every 1h", "last": "11:30"}, [], (None, 0, []), id="an hour is not over"),
        pytest.param({"schedule": "@every 1h", "last": "10:45"}, [], ("11:45", 0, []), id="an hour is over"),
    ],
)
def test_a_job_is_started_when_its_time_has_come(
    looks: dict[str, Any], jobs: list[job_pb2.Job], expected: tuple[str | None, int, list[str]]
) -> None:
    one = cron_job(active=tuple(each.metadata.name for each in jobs if not each.status.conditions), **looks)
    plan = decide(one, jobs, NOW, ZoneInfo(one.spec.timeZone or "UTC"))
    when, replaced, reasons = expected
    assert (plan.start.job.metadata.name if plan.start else None) == (name_of(when) if when else None)
    assert len(plan.start.instead_of if plan.start else []) == replaced
    assert [reason for _, reason, _ in plan.events if reason != "SawCompletedJob"] == reasons


def test_a_job_is_named_and_marked_by_its_time() -> None:
    made = decide(cron_job(last="11:59"), [], NOW, ZoneInfo("Europe/Berlin")).start
    assert made is not None
    metadata = made.job.metadata
    assert metadata.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2030-05-15T14:00:00+02:00"
    assert dict(metadata.labels) == {"app": "tick"}
    assert [(owner.kind, owner.uid, owner.controller) for owner in metadata.ownerReferences] == [
        ("CronJob", "uid-tick", True)
    ]


def test_it_sleeps_until_the_next_time() -> None:
    assert decide(cron_job("*/5 * * * *"), [], NOW, UTC).wait_s == 270
    assert decide(cron_job(suspend=True), [], NOW, UTC).wait_s is None


def test_the_status_follows_the_jobs() -> None:
    done, running, mine = job("11:58", "Complete"), job("11:59"), job("11:57", by_hand=True)
    one = cron_job(active=(done.metadata.name, running.metadata.name, "lost"))
    plan = decide(one, [done, running, mine], NOW, UTC)
    assert [active.name for active in plan.status.active] == [running.metadata.name]
    assert plan.status.lastSuccessfulTime == done.status.completionTime
    assert [(reason, message) for _, reason, message in plan.events] == [
        ("SawCompletedJob", f"Saw completed job: {done.metadata.name}, condition: Complete"),
        ("MissingJob", "Active job went missing: lost"),
        ("UnexpectedJob", f"Saw a job that the controller did not create or forgot: {mine.metadata.name}"),
    ]


def test_a_started_job_is_active_in_place_of_the_others() -> None:
    old, new = job("11:59"), job("12:00")
    one = cron_job(last="11:59", policy="Replace", active=(old.metadata.name,))
    plan = decide(one, [old], NOW, UTC)
    assert plan.start is not None
    status = started(plan.status, plan.start, new)
    assert [active.uid for active in status.active] == [new.metadata.uid]
    assert status.lastScheduleTime.seconds == int(at("12:00").timestamp())
    one.status.CopyFrom(status)
    assert decide(one, [new], NOW, UTC) == CronJobPlan(status, wait_s=30)


def test_the_oldest_of_those_that_ended_go() -> None:
    jobs = [job(f"11:{minute}", end) for minute in range(40, 45) for end in ("Complete", "Failed")]
    kept = [job("11:30")]
    plan = decide(cron_job(), [*jobs, *kept], NOW, UTC)
    gone = [(each.metadata.name, each.status.conditions[0].type) for each in plan.old]
    assert gone == [
        *((name_of(f"11:{minute}"), "Complete") for minute in (40, 41)),
        *((name_of(f"11:{minute}"), "Failed") for minute in (40, 41, 42, 43)),
    ]


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=20))
def test_no_time_gets_two_jobs_although_status_writes_are_lost(passes: list[tuple[int, bool]]) -> None:
    one, jobs, now = cron_job(), list[job_pb2.Job](), NOW
    for seconds, is_written in passes:
        now += timedelta(seconds=seconds)
        plan = decide(one, jobs, now, UTC)
        if plan.start is not None:
            assert plan.start.job.metadata.name not in {each.metadata.name for each in jobs}
            plan.start.job.metadata.uid = f"uid-{plan.start.job.metadata.name}"
            jobs.append(plan.start.job)
            if is_written:
                one.status.CopyFrom(started(plan.status, plan.start, plan.start.job))
        assert decide(one, jobs, now, UTC).start is None
