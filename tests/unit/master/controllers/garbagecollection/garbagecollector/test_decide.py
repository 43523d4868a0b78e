"""What becomes of objects when their owners go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.garbagecollection.garbagecollector.decide import (
    FOREGROUND,
    ORPHAN,
    Action,
    Delete,
    DropOwners,
    Keep,
    OwnerState,
    decide,
    is_waiting,
)
from master.controllers.objects.ownership import reference_to
from podlab.v1.apiserver_pb2 import (
    PROPAGATION_POLICY_BACKGROUND,
    PROPAGATION_POLICY_FOREGROUND,
    PROPAGATION_POLICY_ORPHAN,
)

Builder = Callable[..., Any]
GONE, THERE, WAITING = OwnerState.GONE, OwnerState.THERE, OwnerState.WAITING


@pytest.mark.parametrize(
    ("owners", "finalizers", "expected"),
    [
        pytest.param({}, [], Keep(), id="nobody owned it"),
        pytest.param({"a": THERE}, [], Keep(), id="nothing to do"),
        pytest.param({"a": GONE}, [], Delete(PROPAGATION_POLICY_BACKGROUND), id="its owner is gone"),
        pytest.param({"a": GONE, "b": THERE}, [], DropOwners(frozenset({"a"})), id="one of two is gone"),
        pytest.param({"a": WAITING}, [], Delete(PROPAGATION_POLICY_BACKGROUND), id="its owner waits for it"),
        pytest.param({"a": GONE}, [ORPHAN], Delete(PROPAGATION_POLICY_ORPHAN), id="it keeps its own orphans"),
        pytest.param({"a": GONE}, [FOREGROUND], Delete(PROPAGATION_POLICY_FOREGROUND), id="it goes last itself"),
    ],
)
def test_an_object_stays_while_one_owner_does(
    pod: Builder, owners: dict[str, OwnerState], finalizers: list[str], expected: Action
) -> None:
    obj = pod()
    obj.metadata.finalizers.extend(finalizers)
    assert decide(obj, owners, []) == expected


def test_what_an_owner_waits_for_waits_for_its_own(replica_set: Builder, pod: Builder) -> None:
    middle, leaf = replica_set(), pod()
    leaf.metadata.ownerReferences.append(reference_to(middle))
    assert decide(middle, {"a": WAITING}, [leaf]) == Delete(PROPAGATION_POLICY_FOREGROUND)
    leaf.metadata.ownerReferences[0].blockOwnerDeletion = False
    assert decide(middle, {"a": WAITING}, [leaf]) == Delete(PROPAGATION_POLICY_FOREGROUND)
    assert decide(middle, {"a": WAITING}, [middle]) == Delete(PROPAGATION_POLICY_BACKGROUND)


def test_what_goes_already_is_left_to_go(pod: Builder) -> None:
    assert decide(pod(going=True), {"a": GONE}, []) == Keep()


def test_a_finalizer_counts_only_once_deletion_was_asked_for(pod: Builder) -> None:
    obj = pod()
    obj.metadata.finalizers.append(ORPHAN)
    assert not is_waiting(obj.metadata, ORPHAN)
    obj.metadata.deletionTimestamp.seconds = 1
    assert is_waiting(obj.metadata, ORPHAN)
