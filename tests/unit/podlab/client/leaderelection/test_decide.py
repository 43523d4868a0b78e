from __future__ import annotations

import random

import pytest

from podlab.api.values import times
from podlab.client.leaderelection.decide import (
    ADDRESS,
    Candidate,
    Sighting,
    Terms,
    free_in_s,
    released,
    renewed,
    sighted,
    taken,
)
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.meta.v1.meta_pb2 import MicroTime

A, B = Candidate("a"), Candidate("b", predecessor="dead", address="10.0.0.2:7444")
TERMS = Terms()


def lease(holder: str, renewed_at: int = 1, duration_s: int = 15) -> Lease:
    made = taken(None, "office", Candidate(holder), TERMS, MicroTime(seconds=renewed_at))
    made.spec.leaseDurationSeconds = duration_s
    return made


@pytest.mark.parametrize(
    ("found", "now_s", "free"),
    [
        (None, 100, 0),
        (lease(""), 100, 0),
        (lease("b"), 100, 0),
        (lease("dead"), 100, 0),
        (lease("a"), 100, 15),
        (lease("a"), 112.5, 2.5),
        (lease("a"), 115, 0),
        (lease("a"), 900, 0),
        (lease("a", duration_s=60), 115, 45),
    ],
)
def test_a_lease_is_free_when_nobody_holds_it_or_it_has_looked_the_same_for_its_duration(
    found: Lease | None, now_s: float, free: float
) -> None:
    assert free_in_s(sighted(None, found, 100), B, now_s) == free


def test_a_lease_that_is_deleted_binds_until_it_would_have_run_out() -> None:
    gone = sighted(sighted(None, lease("a"), 100), None, 104)
    assert free_in_s(gone, B, 104) == 15
    assert free_in_s(sighted(gone, None, 110), B, 119) == 0
    assert free_in_s(sighted(sighted(None, lease(""), 100), None, 104), B, 104) == 0


def test_what_times_stand_in_a_lease_does_not_matter() -> None:
    for renewed_at in (0, 1, 4_000_000_000):
        assert free_in_s(sighted(None, lease("a", renewed_at), 50), B, 51) == 14


def test_a_lease_counts_from_when_it_was_first_seen_so() -> None:
    first = sighted(None, lease("a", 1), 10)
    assert sighted(first, lease("a", 1), 20).since_s == 10
    assert sighted(first, lease("a", 2), 20).since_s == 20
    assert sighted(first, None, 20) == Sighting(None, 20, 15)
    moved = lease("a", 1)
    moved.metadata.resourceVersion = "7"
    assert sighted(first, moved, 20) == Sighting(moved, 10, 15)


def test_a_lease_changes_hands() -> None:
    first = taken(None, "office", A, TERMS, MicroTime(seconds=1))
    assert (first.metadata.namespace, first.metadata.name) == ("kube-system", "office")
    assert (first.spec.holderIdentity, first.spec.leaseDurationSeconds, first.spec.leaseTransitions) == ("a", 15, 0)
    second = taken(renewed(first, MicroTime(seconds=3)), "office", B, TERMS, MicroTime(seconds=9))
    assert (second.spec.holderIdentity, second.spec.leaseTransitions) == ("b", 1)
    assert (second.spec.acquireTime.seconds, second.spec.renewTime.seconds) == (9, 9)
    assert second.metadata.annotations[ADDRESS] == "10.0.0.2:7444"
    again = taken(second, "office", B, TERMS, MicroTime(seconds=10))
    assert again.spec.leaseTransitions == 1
    given_up = released(again, MicroTime(seconds=11))
    assert (given_up.spec.holderIdentity, given_up.spec.leaseDurationSeconds) == ("", 1)
    assert free_in_s(sighted(None, given_up, 0), A, 0) == 0


@pytest.mark.parametrize("terms", [(15, 15.0, 2.0), (15, 10.0, 10.0), (15, 10.0, 0.0), (5, 10.0, 2.0)])
def test_terms_under_which_two_could_work_are_refused(terms: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="each has to be longer"):
        Terms(*terms)


@pytest.mark.parametrize("seed", range(50))
def test_no_two_work_at_once_however_late_writes_and_sightings_are(seed: int) -> None:
    """Holders whose writes arrive late or never, and who stop at their deadline; candidates that see late. Each on a
    clock of its own."""
    chance = random.Random(seed)
    offsets = {name: chance.uniform(-1000, 1000) for name in "abc"}
    stored, revision = None, 0
    seen: dict[str, Sighting] = {}
    known: dict[str, int] = {}
    until: dict[str, float] = {}
    for step in range(1000):
        now = step * 0.25
        name = chance.choice("abc")
        candidate, local = Candidate(name), now + offsets[name]
        if chance.random() < 0.6:
            seen[name], known[name] = sighted(seen.get(name), stored, local), revision
        working = local < until.get(name, -1e9)
        may = working or (name in seen and free_in_s(seen[name], candidate, local) == 0)
        if may and known.get(name) == revision and chance.random() < 0.3:  # compare and swap
            stamp = times.now_micro()
            stamp.seconds += step
            held = stored is not None and stored.spec.holderIdentity == name
            stored = renewed(stored, stamp) if stored and held else taken(stored, "office", candidate, TERMS, stamp)
            revision += 1
            known[name] = revision
            if chance.random() < 0.8:  # else the answer was lost
                until[name] = local + TERMS.renew_deadline_s
        workers = [one for one, end in until.items() if now + offsets[one] < end]
        assert len(workers) <= 1, (seed, step, workers)


def test_terms_keep_their_proportions_whatever_a_lease_lasts() -> None:
    assert Terms.lasting(15) == Terms() == Terms(15, 10.0, 2.0)
    assert Terms.lasting(180) == Terms(180, 120.0, 24.0)
    with pytest.raises(ValueError, match="each has to be longer than the next"):
        Terms.lasting(0)
