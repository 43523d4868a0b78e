"""Which revision stands for a template, and which are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from master.controllers.workloads.controllerrevisions.decide import (
    find,
    new_revision,
    next_number,
    ordered,
    outdated,
    renumbered,
    template_of,
)

Builder = Callable[..., Any]


def test_a_revision_keeps_the_template_as_a_patch_of_its_owner(stateful_set: Builder) -> None:
    owner = stateful_set()
    owner.metadata.annotations["kubernetes.io/change-cause"] = "first"
    made = new_revision(owner, 1, 0)
    patch = orjson.loads(made.data.raw)
    assert patch["spec"]["template"]["$patch"] == "replace"
    assert list(patch["spec"]) == ["template"]
    assert template_of(made) == owner.spec.template
    assert made.metadata.name == f"web-{made.metadata.labels['controller-revision-hash']}"
    assert made.metadata.labels["app"] == "web"
    assert made.metadata.annotations["kubernetes.io/change-cause"] == "first"
    assert made.metadata.ownerReferences[0].controller


def test_templates_are_compared_and_not_their_hashes(stateful_set: Builder) -> None:
    one, other = stateful_set(image="one"), stateful_set(image="other")
    first, second = new_revision(one, 1, 0), new_revision(other, 2, 0)
    second.metadata.labels["controller-revision-hash"] = first.metadata.labels["controller-revision-hash"]
    assert find(one, [first, second]) == first
    assert find(other, [first, second]) == second
    assert find(stateful_set(image="third"), [first, second]) is None
    assert new_revision(one, 1, 0).metadata.name != new_revision(one, 1, 1).metadata.name


def test_a_template_that_comes_back_is_the_newest(stateful_set: Builder) -> None:
    one, other = stateful_set(image="one"), stateful_set(image="other")
    revisions = ordered([new_revision(other, 2, 0), new_revision(one, 1, 0)])
    assert [revision.revision for revision in revisions] == [1, 2]
    back = renumbered(revisions[0], next_number(revisions))
    assert (back.revision, revisions[0].revision) == (3, 1)


@pytest.mark.parametrize(
    ("limit", "in_use", "gone"),
    [
        pytest.param(10, set(), [], id="nothing to do"),
        pytest.param(2, set(), [1, 2], id="the oldest go"),
        pytest.param(2, {1, 4}, [], id="what is in use does not count"),
        pytest.param(1, {1, 4}, [2], id="and stays"),
        pytest.param(0, {4}, [1, 2, 3], id="no history"),
    ],
)
def test_history_is_limited(stateful_set: Builder, limit: int, in_use: set[int], gone: list[int]) -> None:
    revisions = [new_revision(stateful_set(image=str(number)), number, 0) for number in (1, 2, 3, 4)]
    names = {one.metadata.name for one in revisions if one.revision in in_use}
    assert [one.revision for one in outdated(revisions, names, limit)] == gone
