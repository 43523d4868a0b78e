"""Situations of CronJobs: which time gets its Job, and what is told.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from master.controllers.workloads.cronjob.decide import decide
from master.controllers.workloads.cronjob.jobs import SCHEDULED, job_for
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.meta.v1 import meta_pb2


@dataclass(frozen=True)
class Started:
    """A Job of the time, which `runs`, is `done` or `lost`; or one that somebody made by hand."""

    time: str
    state: str
    by_hand: bool = False

    def made(self, owner: cronjob_pb2.CronJob) -> job_pb2.Job:
        """The owner's status then names it as active when it is."""
        made = job_for(owner, at(self.time), UTC)
        made.metadata.uid = f"uid-{made.metadata.name}"
        if self.by_hand:
            del made.metadata.annotations[SCHEDULED]
        if end := {"done": "Complete", "lost": "Failed"}.get(self.state):
            made.status.conditions.add(type=end, status="True")
        elif not self.by_hand:
            owner.status.active.add(name=made.metadata.name, uid=made.metadata.uid)
        return made


@dataclass(frozen=True)
class Case:
    """`last` is the time of the last Job, `now` what the clock shows; both as `05-15 12:00`, of 2030 and in UTC.

    `starts` is the time that gets its Job, `instead` how many go for it, `events` the reasons of Events.
    """

    name: str
    schedule: str
    last: str
    now: str
    starts: str = ""
    there: Sequence[Started] = ()
    instead: int = 0
    events: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2030-{text}").replace(tzinfo=UTC)


def cron_job_of(case: Case) -> cronjob_pb2.CronJob:
    made = cronjob_pb2.CronJob(metadata=meta_pb2.ObjectMeta(name="tick", namespace="default", uid="uid-tick"))
    made.metadata.creationTimestamp.seconds = int(at("01-01 00:00").timestamp())
    made.spec.schedule, made.spec.concurrencyPolicy = case.schedule, "Allow"
    made.spec.successfulJobsHistoryLimit, made.spec.failedJobsHistoryLimit = 3, 1
    json_format.ParseDict(dict(case.spec), made.spec)
    if case.last:
        made.status.lastScheduleTime.seconds = int(at(case.last).timestamp())
    return made


BERLIN, KOLKATA, LORD_HOWE = (
    {"timeZone": "Europe/Berlin"},
    {"timeZone": "Asia/Kolkata"},
    {"timeZone": "Australia/Lord_Howe"},
)
FORBID, REPLACE = {"concurrencyPolicy": "Forbid"}, {"concurrencyPolicy": "Replace"}
HOURLY, NIGHTLY = "0 * * * *", "30 2 * * *"
TIMES = [
    Case("not yet", HOURLY, "05-15 12:00", "05-15 12:59:59"),
    Case("to the second", HOURLY, "05-15 12:00", "05-15 13:00:00", "05-15 13:00"),
    Case("a little late", HOURLY, "05-15 12:00", "05-15 13:20", "05-15 13:00"),
    Case("the first time ever", HOURLY, "", "01-01 01:00:10", "01-01 01:00"),
    Case("made in the minute that it names: the next", HOURLY, "", "01-01 00:00:10"),
    Case("hours late: the last one alone", HOURLY, "05-15 08:00", "05-15 13:20", "05-15 13:00"),
    Case("a hundred late", "* * * * *", "05-15 11:20", "05-15 13:00", "05-15 13:00"),
    Case("more than a hundred", "* * * * *", "05-15 11:18", "05-15 13:00", "05-15 13:00", events="TooManyMissedTimes"),
    Case(
        "a deadline spares it from counting",
        "* * * * *",
        "05-15 01:00",
        "05-15 13:00",
        "05-15 13:00",
        spec={"startingDeadlineSeconds": 200},
    ),
    Case(
        "in time for its deadline",
        HOURLY,
        "05-15 12:00",
        "05-15 13:01:39",
        "05-15 13:00",
        spec={"startingDeadlineSeconds": 100},
    ),
    Case("past its deadline", HOURLY, "05-15 12:00", "05-15 13:01:41", spec={"startingDeadlineSeconds": 100}),
    Case("past one and in time for none", HOURLY, "05-15 08:00", "05-15 13:30", spec={"startingDeadlineSeconds": 60}),
    Case("suspended", HOURLY, "05-15 12:00", "05-15 13:00:30", spec={"suspend": True}),
    Case("resumed: one for all that were missed", HOURLY, "05-15 02:00", "05-15 13:00:30", "05-15 13:00"),
    Case(
        "resumed with a deadline: none for what was missed",
        HOURLY,
        "05-15 02:00",
        "05-15 13:30",
        spec={"startingDeadlineSeconds": 600},
    ),
    Case("the last of a month that has one", "0 0 31 * *", "03-31 00:00", "05-31 00:00:01", "05-31 00:00"),
    Case("a day that never comes", "0 0 30 2 *", "01-01 00:00", "12-31 00:00"),
    Case("day of the month or of the week", "0 0 13 * 5", "09-12 00:00", "09-13 00:00:01", "09-13 00:00"),
]
ZONES = [
    Case("the zone's afternoon", "0 14 * * *", "05-14 12:00", "05-15 12:00:01", "05-15 12:00", spec=BERLIN),
    Case("in winter an hour later", "0 14 * * *", "01-14 13:00", "01-15 12:30", spec=BERLIN),
    Case("a zone of half hours", "0 9 * * *", "05-14 03:30", "05-15 03:30:01", "05-15 03:30", spec=KOLKATA),
    Case("an hour that the clocks skip does not come", NIGHTLY, "03-30 01:30", "03-31 23:00", spec=BERLIN),
    Case("the next day it does", NIGHTLY, "03-30 01:30", "04-01 00:30:01", "04-01 00:30", spec=BERLIN),
    Case("one that they show twice comes once", NIGHTLY, "10-26 00:30", "10-27 00:30:01", "10-27 00:30", spec=BERLIN),
    Case("and twice", NIGHTLY, "10-27 00:30", "10-27 01:30:01", "10-27 01:30", spec=BERLIN),
    Case(
        "every hour has its Job when one is skipped",
        HOURLY,
        "03-31 00:00",
        "03-31 01:00:01",
        "03-31 01:00",
        spec=BERLIN,
    ),
    Case(
        "every hour has its Job when one comes twice",
        HOURLY,
        "10-27 00:00",
        "10-27 01:00:01",
        "10-27 01:00",
        spec=BERLIN,
    ),
    Case("half an hour that is skipped", "15 2 * * *", "10-04 15:45", "10-05 20:00", spec=LORD_HOWE),
]
OTHERS = [
    Case(
        "beside the last one", HOURLY, "05-15 12:00", "05-15 13:00:01", "05-15 13:00", [Started("05-15 12:00", "runs")]
    ),
    Case(
        "not beside it",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "",
        [Started("05-15 12:00", "runs")],
        0,
        "JobAlreadyActive",
        FORBID,
    ),
    Case(
        "after it is done",
        HOURLY,
        "05-15 12:00",
        "05-15 13:20",
        "05-15 13:00",
        [Started("05-15 12:00", "done")],
        spec=FORBID,
    ),
    Case(
        "after it was lost",
        HOURLY,
        "05-15 12:00",
        "05-15 13:20",
        "05-15 13:00",
        [Started("05-15 12:00", "lost")],
        spec=FORBID,
    ),
    Case(
        "in place of it",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "05-15 13:00",
        [Started("05-15 12:00", "runs")],
        1,
        spec=REPLACE,
    ),
    Case(
        "in place of all",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "05-15 13:00",
        [Started("05-15 11:00", "runs"), Started("05-15 12:00", "runs")],
        2,
        spec=REPLACE,
    ),
    Case(
        "not in place of what is done",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "05-15 13:00",
        [Started("05-15 12:00", "done")],
        0,
        spec=REPLACE,
    ),
    Case(
        "a Job made by hand is no reason to wait",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "05-15 13:00",
        [Started("05-15 12:10", "runs", by_hand=True)],
        0,
        "UnexpectedJob",
        FORBID,
    ),
    Case(
        "nor is it replaced",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "05-15 13:00",
        [Started("05-15 12:10", "runs", by_hand=True)],
        0,
        "UnexpectedJob",
        REPLACE,
    ),
    Case(
        "started, and the status does not say so yet",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "",
        [Started("05-15 13:00", "runs")],
    ),
    Case(
        "started and done, and the status does not say so yet",
        HOURLY,
        "05-15 12:00",
        "05-15 13:00:01",
        "",
        [Started("05-15 13:00", "done")],
    ),
]


@pytest.mark.parametrize("case", [*TIMES, *ZONES, *OTHERS], ids=lambda case: case.name)
def test_which_time_gets_its_job(case: Case) -> None:
    one = cron_job_of(case)
    jobs = [each.made(one) for each in case.there]
    plan = decide(one, jobs, at(case.now), ZoneInfo(one.spec.timeZone or "UTC"))
    assert (plan.start.scheduled if plan.start else None) == (at(case.starts) if case.starts else None)
    assert len(plan.start.instead_of if plan.start else []) == case.instead
    assert " ".join(reason for _, reason, _ in plan.events) == case.events
