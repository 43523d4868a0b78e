"""Situations of Jobs: what their pods make of them.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf import json_format

from master.controllers.workloads.job.decide import JobPlan, decide
from master.controllers.workloads.job.pods import index_of
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


STATES = {"run": "Running", "wait": "Pending", "ok": "Succeeded", "fail": "Failed", "stop": "Running"}


@dataclass(frozen=True)
class Worker:
    """A pod of the Job: its state, of STATES, where `stop` is one that is being stopped.

    `code` is its exit code, `failures` are the earlier ones of its index, `ended_s` seconds since its end; one that is
    not `placed` is on no node.
    """

    state: str
    index: int | None = None
    code: int | None = None
    condition: str = ""
    restarts: int | None = None
    failures: int | None = None
    ended_s: int | None = None
    counted: bool = False
    placed: bool = True

    def made(self, make: Builder, job: job_pb2.Job) -> pod_pb2.Pod:
        """With the builder's own values where none is said."""
        said = {name: getattr(self, name) for name in ("index", "code", "restarts", "failures")}
        looks: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if self.condition:
            looks["condition"] = self.condition
        if self.ended_s is not None:
            looks["ended_at"] = NOW - self.ended_s
        if self.counted:
            looks["tracked"] = False
        if not self.placed:
            looks["node"] = ""
        made: pod_pb2.Pod = make(job, phase=STATES[self.state], going=self.state == "stop", **looks)
        return made


@dataclass(frozen=True)
class Case:
    """`does`: how many are made (`+2`, or `+0,2` by index), let go (`-1`), and deleted as failed (`!1`).

    `events` is the reason of how it ends; `says` are fields of the status.
    """

    name: str
    spec: Mapping[str, Any]
    there: Sequence[Worker] = ()
    does: str = ""
    events: str = ""
    says: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)


def job_of(make: Builder, case: Case) -> job_pb2.Job:
    spec = dict(case.spec)
    made: job_pb2.Job = make(
        completions=spec.pop("completions", 1),
        parallelism=spec.pop("parallelism", 1),
        indexed=spec.pop("indexed", False),
        restarts=spec.pop("restarts", "Never"),
    )
    json_format.ParseDict(spec, made.spec)
    made.status.startTime.seconds = NOW - 100
    json_format.ParseDict(dict(case.before), made.status)
    return made


def done(plan: JobPlan, *, indexed: bool) -> str:
    changes, words = plan.changes, []
    if changes.create:
        made = ",".join(str(index_of(pod)) for pod in changes.create) if indexed else len(changes.create)
        words.append(f"+{made}")
    words += [f"-{len(changes.discard)}"] if changes.discard else []
    words += [f"!{len(changes.delete)}"] if changes.delete else []
    return " ".join(words)


def on_exit(action: str, operator: str, *codes: int, container: str = "") -> dict[str, Any]:
    wanted: dict[str, Any] = {"operator": operator, "values": list(codes)}
    return {"action": action, "onExitCodes": wanted | ({"containerName": container} if container else {})}


def on_condition(action: str, kind: str = "DisruptionTarget", value: str = "True") -> dict[str, Any]:
    return {"action": action, "onPodConditions": [{"type": kind, "status": value}]}


def policy(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": list(rules)}, "podReplacementPolicy": "Failed", **spec}


def success(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"indexed": True, "completions": 4, "parallelism": 4, "successPolicy": {"rules": list(rules)}, **spec}


TRIES = {"indexed": True, "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 1}
MANY = {"completions": 5, "parallelism": 3}
PODS = [
    Case("the first pods", MANY, does="+3", says={"active": 0}),
    Case("as many as run at once", MANY, [Worker("run"), Worker("run"), Worker("wait")], says={"active": 3}),
    Case("the rest that is needed", MANY, [Worker("ok"), Worker("ok"), Worker("ok"), Worker("ok")], "+1"),
    Case(
        "not more than still have to succeed",
        MANY,
        [Worker("ok"), Worker("ok"), Worker("ok"), Worker("run"), Worker("run")],
    ),
    Case(
        "one too many is let go",
        MANY,
        [Worker("ok"), Worker("ok"), Worker("ok"), Worker("run"), Worker("run"), Worker("run")],
        "-1",
    ),
    Case("more at once", {**MANY, "parallelism": 4}, [Worker("run")], "+3"),
    Case("fewer at once", {**MANY, "parallelism": 1}, [Worker("run"), Worker("run")], "-1"),
    Case("none at once", {**MANY, "parallelism": 0}, [Worker("run"), Worker("run")], "-2"),
    Case("all are there", MANY, [Worker("ok")] * 5, events="CompletionsReached"),
    Case("more than were asked for", MANY, [Worker("ok")] * 6, events="CompletionsReached"),
    Case(
        "one more than needed still runs", {"completions": 1}, [Worker("ok"), Worker("run")], "-1", "CompletionsReached"
    ),
    Case("none is asked for", {"completions": 0}, events="CompletionsReached"),
    Case("a queue: all workers", {"completions": None, "parallelism": 3}, does="+3"),
    Case("a queue: one is done, no more begin", {"completions": None, "parallelism": 3}, [Worker("ok"), Worker("run")]),
    Case(
        "a queue: done when the others are",
        {"completions": None, "parallelism": 3},
        [Worker("ok"), Worker("ok")],
        events="CompletionsReached",
    ),
    Case(
        "a queue: the others may fail",
        {"completions": None, "parallelism": 3},
        [Worker("ok"), Worker("fail")],
        events="CompletionsReached",
    ),
    Case(
        "a queue: one that failed is replaced before any is done",
        {"completions": None, "parallelism": 2},
        [Worker("run"), Worker("fail", ended_s=20)],
        "+1",
    ),
    Case(
        "a pod that was deleted is lost and replaced",
        {"completions": 2, "parallelism": 2},
        [Worker("stop"), Worker("run")],
        says={"terminating": 1, "active": 1},
    ),
    Case(
        "one that nobody ran is no longer waited for",
        {"podReplacementPolicy": "Failed"},
        [Worker("stop", placed=False)],
        says={"terminating": 0},
    ),
]
BACKOFFS = [
    Case("a failure rests 10 s", {}, [Worker("fail", ended_s=9)]),
    Case("then comes the next", {}, [Worker("fail", ended_s=10)], "+1"),
    Case("two rest 20 s", {}, [Worker("fail", ended_s=30), Worker("fail", ended_s=19)]),
    Case("then", {}, [Worker("fail", ended_s=30), Worker("fail", ended_s=20)], "+1"),
    Case(
        "a success ends the row",
        {"completions": 3},
        [Worker("fail", ended_s=60), Worker("fail", ended_s=50), Worker("ok", ended_s=40), Worker("fail", ended_s=10)],
        "+1",
    ),
    Case(
        "no more than six minutes",
        {"backoffLimit": 20},
        [Worker("fail", ended_s=360 + number) for number in range(9)],
        "+1",
    ),
    Case("the limit is reached", {"backoffLimit": 2}, [Worker("fail"), Worker("fail")], "+1"),
    Case(
        "and passed",
        {"backoffLimit": 2},
        [Worker("fail"), Worker("fail"), Worker("fail")],
        events="BackoffLimitExceeded",
    ),
    Case(
        "what was counted before counts",
        {"backoffLimit": 2},
        [Worker("fail")],
        events="BackoffLimitExceeded",
        before={"failed": 2},
    ),
    Case(
        "others go with it",
        {"backoffLimit": 0, **MANY},
        [Worker("fail"), Worker("run"), Worker("run")],
        "!2",
        "BackoffLimitExceeded",
    ),
    Case(
        "enough succeeded and too many failed: it failed",
        {"backoffLimit": 0},
        [Worker("fail"), Worker("ok")],
        events="BackoffLimitExceeded",
    ),
    Case(
        "restarts in place count while it runs",
        {"restarts": "OnFailure", "backoffLimit": 3},
        [Worker("run", restarts=2)],
    ),
    Case(
        "restarts of all pods together",
        {"restarts": "OnFailure", "backoffLimit": 3, **MANY},
        [Worker("run", restarts=2), Worker("run", restarts=1)],
        "!2",
        "BackoffLimitExceeded",
    ),
    Case(
        "a limit of none bears no restart",
        {"restarts": "OnFailure", "backoffLimit": 0},
        [Worker("run", restarts=1)],
        "!1",
        "BackoffLimitExceeded",
    ),
    Case("restarts of pods that never restart are none", {"backoffLimit": 0}, [Worker("run", restarts=1)]),
]
DEADLINES = [
    Case("in time", {"activeDeadlineSeconds": 101}, [Worker("run")]),
    Case("out of time", {"activeDeadlineSeconds": 100}, [Worker("run")], "!1", "DeadlineExceeded"),
    Case("out of time before the first pod", {"activeDeadlineSeconds": 100}, events="DeadlineExceeded"),
    Case(
        "out of time and out of tries",
        {"activeDeadlineSeconds": 100, "backoffLimit": 0},
        [Worker("fail")],
        events="BackoffLimitExceeded",
    ),
    Case("suspended: time stands", {"activeDeadlineSeconds": 100, "suspend": True}),
    Case("suspended: pods go and count for nothing", {**MANY, "suspend": True}, [Worker("run"), Worker("ok")], "-1"),
    Case("done although suspended", {"suspend": True}, [Worker("ok")], events="CompletionsReached"),
    Case(
        "time begins anew with a resumption",
        {"activeDeadlineSeconds": 50},
        does="+1",
        before={"conditions": [{"type": "Suspended", "status": "True"}], "startTime": None},
    ),
]
POLICIES = [
    Case(
        "a code that ends it",
        policy(on_exit("FailJob", "In", 42), **MANY),
        [Worker("fail", code=42), Worker("run")],
        "!1",
        "PodFailurePolicy",
    ),
    Case("another code does not", policy(on_exit("FailJob", "In", 42)), [Worker("fail", code=1)], "+1"),
    Case(
        "all codes but some",
        policy(on_exit("FailJob", "NotIn", 1, 2)),
        [Worker("fail", code=3)],
        events="PodFailurePolicy",
    ),
    Case("these do not", policy(on_exit("FailJob", "NotIn", 1, 2)), [Worker("fail", code=2)], "+1"),
    Case("a code of zero is none", policy(on_exit("FailJob", "NotIn", 1)), [Worker("fail", code=0)], "+1"),
    Case(
        "of that container",
        policy(on_exit("FailJob", "In", 42, container="main")),
        [Worker("fail", code=42)],
        events="PodFailurePolicy",
    ),
    Case("of another", policy(on_exit("FailJob", "In", 42, container="helper")), [Worker("fail", code=42)], "+1"),
    Case(
        "the first rule that fits",
        policy(on_exit("Count", "In", 42), on_exit("FailJob", "In", 42)),
        [Worker("fail", code=42)],
        "+1",
    ),
    Case(
        "else the next",
        policy(on_exit("Count", "In", 41), on_exit("FailJob", "In", 42)),
        [Worker("fail", code=42)],
        events="PodFailurePolicy",
    ),
    Case(
        "a disruption is free",
        policy(on_condition("Ignore"), backoffLimit=0),
        [Worker("fail", condition="DisruptionTarget")],
        "+1",
        says={"failed": 0},
    ),
    Case(
        "a failure is not",
        policy(on_condition("Ignore"), backoffLimit=0),
        [Worker("fail")],
        events="BackoffLimitExceeded",
    ),
    Case(
        "a condition of another value",
        policy(on_condition("Ignore", value="False"), backoffLimit=0),
        [Worker("fail", condition="DisruptionTarget")],
        events="BackoffLimitExceeded",
    ),
    Case(
        "a condition that ends it",
        policy(on_condition("FailJob", "ConfigIssue")),
        [Worker("fail", condition="ConfigIssue")],
        events="PodFailurePolicy",
    ),
    Case(
        "free by condition before fatal by code",
        policy(on_condition("Ignore"), on_exit("FailJob", "In", 137)),
        [Worker("fail", code=137, condition="DisruptionTarget")],
        "+1",
    ),
    Case(
        "one that is being stopped is judged when it has ended",
        policy(on_exit("FailJob", "In", 137)),
        [Worker("stop")],
        says={"terminating": 1},
    ),
    Case(
        "an index that ends",
        {**TRIES, **policy(on_exit("FailIndex", "In", 42))},
        [Worker("fail", index=0, code=42), Worker("run", index=1), Worker("run", index=2)],
        says={"failedIndexes": "0"},
    ),
    Case(
        "an index that goes on",
        {**TRIES, **policy(on_exit("FailIndex", "In", 42))},
        [Worker("fail", index=0, code=1, ended_s=20), Worker("run", index=1), Worker("run", index=2)],
        "+0",
        says={"failedIndexes": ""},
    ),
]
INDEXES = [
    Case("each once", {**TRIES, "completions": 3}, does="+0,1,2"),
    Case("those that are missing", TRIES, [Worker("run", index=1)], "+0,2"),
    Case(
        "those that are not done",
        TRIES,
        [Worker("ok", index=0), Worker("run", index=2)],
        "+1",
        says={"completedIndexes": "0", "succeeded": 1},
    ),
    Case(
        "done twice is done once",
        TRIES,
        [Worker("ok", index=0), Worker("ok", index=0), Worker("run", index=1), Worker("run", index=2)],
        says={"completedIndexes": "0", "succeeded": 1},
    ),
    Case(
        "done and failed is done",
        TRIES,
        [Worker("fail", index=0, failures=1), Worker("ok", index=0), Worker("run", index=1), Worker("run", index=2)],
        says={"completedIndexes": "0", "failedIndexes": ""},
    ),
    Case(
        "ranges",
        {**TRIES, "completions": 6},
        [Worker("ok", index=0), Worker("ok", index=1), Worker("ok", index=2), Worker("ok", index=4)],
        "+3,5",
        says={"completedIndexes": "0-2,4"},
    ),
    Case(
        "all are done",
        TRIES,
        [Worker("ok", index=0), Worker("ok", index=1), Worker("ok", index=2)],
        events="CompletionsReached",
    ),
    Case(
        "each rests for itself",
        TRIES,
        [Worker("fail", index=0, ended_s=5), Worker("fail", index=1, ended_s=15), Worker("run", index=2)],
        "+1",
    ),
    Case(
        "an index is given up",
        TRIES,
        [Worker("fail", index=0, failures=1), Worker("run", index=1), Worker("run", index=2)],
        says={"failedIndexes": "0"},
    ),
    Case(
        "the others go on until they are done",
        TRIES,
        [Worker("fail", index=0, failures=1), Worker("ok", index=1), Worker("run", index=2)],
    ),
    Case(
        "then it has failed",
        TRIES,
        [Worker("fail", index=0, failures=1), Worker("ok", index=1), Worker("ok", index=2)],
        events="FailedIndexes",
    ),
    Case(
        "too many are given up",
        {**TRIES, "maxFailedIndexes": 1},
        [Worker("fail", index=0, failures=1), Worker("fail", index=1, failures=1), Worker("run", index=2)],
        "!1",
        "MaxFailedIndexesExceeded",
    ),
    Case(
        "not yet too many",
        {**TRIES, "maxFailedIndexes": 1},
        [Worker("fail", index=0, failures=1), Worker("run", index=1), Worker("run", index=2)],
    ),
    Case(
        "fewer completions: what is above goes",
        {**TRIES, "completions": 2, "parallelism": 2},
        [Worker("run", index=0), Worker("run", index=1), Worker("run", index=2)],
        "-1",
    ),
    Case(
        "and what was done above is forgotten",
        {**TRIES, "completions": 2, "parallelism": 2},
        [Worker("run", index=1)],
        "+0",
        says={"completedIndexes": "", "succeeded": 0},
        before={"completedIndexes": "2", "succeeded": 1},
    ),
    Case(
        "fewer completions: done",
        {**TRIES, "completions": 1, "parallelism": 1},
        [Worker("ok", index=0)],
        events="CompletionsReached",
    ),
    Case(
        "more completions: more begin",
        {**TRIES, "completions": 4, "parallelism": 4},
        [Worker("ok", index=0), Worker("run", index=1), Worker("run", index=2)],
        "+3",
    ),
    Case(
        "more than eight thousand in short",
        {**TRIES, "completions": 9000, "parallelism": 1},
        does="+8999",
        before={"completedIndexes": "0-8998", "succeeded": 8999},
    ),
]
EARLY_ENDS = [
    Case(
        "the leader is done",
        success({"succeededIndexes": "0"}),
        [Worker("ok", index=0), Worker("run", index=1), Worker("run", index=2), Worker("run", index=3)],
        "-3",
        "SuccessPolicy",
    ),
    Case(
        "the others are",
        success({"succeededIndexes": "0"}),
        [Worker("run", index=0), Worker("ok", index=1), Worker("ok", index=2), Worker("ok", index=3)],
    ),
    Case(
        "two of them",
        success({"succeededCount": 2}),
        [Worker("ok", index=1), Worker("ok", index=3), Worker("run", index=0), Worker("run", index=2)],
        "-2",
        "SuccessPolicy",
    ),
    Case(
        "two of these",
        success({"succeededIndexes": "1-3", "succeededCount": 2}),
        [Worker("ok", index=0), Worker("ok", index=3), Worker("run", index=1), Worker("run", index=2)],
    ),
    Case(
        "one rule or the other",
        success({"succeededIndexes": "0"}, {"succeededCount": 3}),
        [Worker("ok", index=1), Worker("ok", index=2), Worker("ok", index=3), Worker("run", index=0)],
        "-1",
        "SuccessPolicy",
    ),
    Case(
        "done anyway",
        success({"succeededCount": 4}),
        [Worker("ok", index=0), Worker("ok", index=1), Worker("ok", index=2), Worker("ok", index=3)],
        events="SuccessPolicy",
    ),
    Case(
        "a failure that ends it comes first",
        success({"succeededIndexes": "0"}, backoffLimit=0),
        [Worker("ok", index=0), Worker("fail", index=1)],
        events="BackoffLimitExceeded",
    ),
    Case(
        "once it has succeeded it does not fail",
        success({"succeededIndexes": "0"}, backoffLimit=0),
        [Worker("ok", index=0), Worker("fail", index=1)],
        events="SuccessPolicy",
        before={"conditions": [{"type": "SuccessCriteriaMet", "status": "True", "reason": "SuccessPolicy"}]},
    ),
    Case(
        "once it has failed it does not succeed",
        {},
        [Worker("ok")],
        events="DeadlineExceeded",
        before={"conditions": [{"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}]},
    ),
]
ENDED = ("SuccessCriteriaMet", "FailureTarget")


@pytest.mark.parametrize(
    "case", [*PODS, *BACKOFFS, *DEADLINES, *POLICIES, *INDEXES, *EARLY_ENDS], ids=lambda case: case.name
)
def test_what_becomes_of_a_job(job: Builder, job_pod: Builder, case: Case) -> None:
    one = job_of(job, case)
    plan = decide(one, [each.made(job_pod, one) for each in case.there], NOW)
    assert done(plan, indexed=one.spec.completionMode == "Indexed") == case.does
    ends = [events.reason for events in plan.status.conditions if events.type in ENDED and events.status == "True"]
    assert ends == ([case.events] if case.events else [])
    assert {name: getattr(plan.status, name) for name in case.says} == case.says
