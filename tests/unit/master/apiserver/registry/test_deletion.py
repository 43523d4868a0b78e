from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.admission.write import Deletion, Propagation
from master.apiserver.registry import deletion
from podlab.api import kinds
from podlab.api.values import times
from podlab.core.v1 import config_pb2, namespace_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

NOW = meta_pb2.Time(seconds=1_000_000)
NAMESPACE = builtin_kinds.of(builtin_kinds.named("Namespace")).strategy


@dataclass(frozen=True)
class Outcome:
    message: Any
    removed: bool


def decide(message: Any, at: int = NOW.seconds, **terms: Any) -> Outcome:
    kind = kinds.of(message)
    wanted = Deletion(kind, message.metadata.namespace, message.metadata.name, **terms)
    after = deletion.decided(message, builtin_kinds.of(kind).strategy, wanted, meta_pb2.Time(seconds=at))
    return Outcome(after, is_finished(after))


def is_finished(message: Any) -> bool:
    return deletion.is_finished(message, builtin_kinds.resource(message).strategy)


def pod(node: str = "n1", phase: str = "Running", grace_s: int | None = None) -> pod_pb2.Pod:
    made = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web"))
    made.spec.nodeName, made.status.phase = node, phase
    if grace_s is not None:
        made.spec.terminationGracePeriodSeconds = grace_s
    return made


@pytest.mark.parametrize(
    ("current", "request_", "grace_s"),
    [
        (pod(), {}, 30),
        (pod(grace_s=5), {}, 5),
        (pod(grace_s=5), {"grace_period_s": 60}, 60),
        (pod(), {"grace_period_s": -1}, 1),
        (pod(), {"grace_period_s": 0}, 0),
        (pod(node=""), {}, 0),
        (pod(phase="Succeeded"), {}, 0),
        (pod(phase="Failed"), {"grace_period_s": 60}, 0),
    ],
)
def test_a_pod_has_the_time_that_was_asked_for_if_anybody_runs_it(
    current: pod_pb2.Pod, request_: dict[str, int], grace_s: int
) -> None:
    outcome = decide(current, **request_)
    metadata = outcome.message.metadata
    assert outcome.removed is (grace_s == 0)
    assert metadata.deletionGracePeriodSeconds == grace_s
    assert metadata.deletionTimestamp.seconds == NOW.seconds + grace_s


def test_asking_again_can_only_bring_the_end_forward() -> None:
    first = decide(pod()).message
    assert decide(first, at=NOW.seconds + 9, grace_period_s=60).message == first
    assert decide(first, at=NOW.seconds + 9).message == first
    sooner: Any = decide(first, at=NOW.seconds + 9, grace_period_s=10).message
    assert sooner.metadata.deletionTimestamp.seconds == NOW.seconds + 10
    assert decide(first, grace_period_s=0).removed


def test_what_is_there_is_not_changed() -> None:
    current = pod()
    decide(current)
    assert not current.metadata.HasField("deletionTimestamp")


def test_finalizers_hold_a_pod_even_without_grace() -> None:
    current = pod()
    current.metadata.finalizers.append("example.com/wait")
    outcome = decide(current, grace_period_s=0)
    assert not outcome.removed
    assert not is_finished(outcome.message)
    del outcome.message.metadata.finalizers[:]
    assert is_finished(outcome.message)


@pytest.mark.parametrize(
    ("before", "policy", "after"),
    [
        ([], None, []),
        ([], Propagation.BACKGROUND, []),
        ([], Propagation.FOREGROUND, ["foregroundDeletion"]),
        ([], Propagation.ORPHAN, ["orphan"]),
        (["orphan"], None, ["orphan"]),
        (["orphan", "a/b"], Propagation.BACKGROUND, ["a/b"]),
        (["orphan"], Propagation.FOREGROUND, ["foregroundDeletion"]),
    ],
)
def test_propagation_is_left_to_the_garbage_collector(
    before: list[str], policy: Propagation | None, after: list[str]
) -> None:
    current = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="a", finalizers=before))
    outcome = decide(current, propagation=policy)
    assert list(outcome.message.metadata.finalizers) == after
    assert outcome.removed is (not after)


def test_a_namespace_terminates_until_its_own_finalizer_goes() -> None:
    current = namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team"))
    NAMESPACE.prepare_for_create(current)
    outcome: Any = decide(current)
    assert (outcome.removed, outcome.message.status.phase) == (False, "Terminating")
    after = namespace_pb2.Namespace()
    after.CopyFrom(outcome.message)
    del after.spec.finalizers[:]
    NAMESPACE.prepare_for_update(after, outcome.message)
    assert is_finished(after)


def test_an_active_namespace_keeps_its_finalizer_whatever_is_sent() -> None:
    old = namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team"))
    NAMESPACE.prepare_for_create(old)
    new = namespace_pb2.Namespace(metadata=old.metadata)
    NAMESPACE.prepare_for_update(new, old)
    assert list(new.spec.finalizers) == ["kubernetes"]


@pytest.mark.parametrize("asked", [{"grace_period_s": 2**63 - 1}, {}])
def test_a_grace_period_ends_before_time_does(asked: dict[str, int]) -> None:
    outcome = decide(pod(grace_s=2**63 - 1), **asked)
    assert times.text(cast(Any, outcome.message).metadata.deletionTimestamp) == "9999-12-31T23:59:59Z"
    sooner = decide(outcome.message, grace_period_s=0)
    assert sooner.removed


@pytest.mark.parametrize("kind", ["Job", "ReplicationController"])
def test_pods_of_old_kinds_stay_unless_it_is_said_that_they_go(kind: str) -> None:
    current = builtin_kinds.named(kind).message(metadata=meta_pb2.ObjectMeta(name="a"))  # type: ignore[call-arg]
    kept: Any = decide(current)
    assert (kept.removed, list(kept.message.metadata.finalizers)) == (False, ["orphan"])
    assert decide(kept.message).message == kept.message
    assert decide(current, propagation=Propagation.BACKGROUND).removed
