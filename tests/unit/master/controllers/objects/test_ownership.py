"""What belongs to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from master.controllers.objects.ownership import claim, reference_to, without_owner
from podlab.api.selection.selectors import parse_labels

WEB = parse_labels("app=web")
Builder = Callable[..., Any]


def test_matching_pods_without_a_controller_are_adopted(pod: Builder, replica_set: Builder) -> None:
    owner, free, other = replica_set(), pod(app="web"), pod(app="db")
    claimed = claim(owner.metadata, WEB, [free, other])
    assert (claimed.owned, claimed.adopt, claimed.release) == ([], [free], [])


def test_pods_that_no_longer_match_are_released_and_the_others_kept(pod: Builder, replica_set: Builder) -> None:
    owner, kept, changed, going = replica_set(), pod(app="web"), pod(app="db"), pod(app="db", going=True)
    for one in (kept, changed, going):
        one.metadata.ownerReferences.append(reference_to(owner))
    claimed = claim(owner.metadata, WEB, [kept, changed, going])
    assert (claimed.owned, claimed.adopt, claimed.release) == ([kept], [], [changed])


def test_pods_of_another_controller_are_left_alone(pod: Builder, replica_set: Builder) -> None:
    theirs = pod(app="web")
    theirs.metadata.ownerReferences.append(reference_to(replica_set("other")))
    claimed = claim(replica_set().metadata, WEB, [theirs])
    assert (claimed.owned, claimed.adopt, claimed.release) == ([], [], [])


def test_an_owner_that_goes_takes_nothing_in_and_lets_nothing_go(pod: Builder, replica_set: Builder) -> None:
    owner, free, changed = replica_set(), pod(app="web"), pod(app="db")
    changed.metadata.ownerReferences.append(reference_to(owner))
    owner.metadata.deletionTimestamp.seconds = 1
    claimed = claim(owner.metadata, WEB, [free, changed])
    assert (claimed.owned, claimed.adopt, claimed.release) == ([changed], [], [])


def test_only_the_named_owner_is_taken_out(pod: Builder, replica_set: Builder) -> None:
    both, first, second = pod(), replica_set("first"), replica_set("second")
    both.metadata.ownerReferences.extend([reference_to(first), reference_to(second)])
    without_owner(both.metadata, frozenset({first.metadata.uid}))
    assert [owner.name for owner in both.metadata.ownerReferences] == ["second"]
