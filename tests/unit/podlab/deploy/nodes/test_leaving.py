"""When a node may be drained, and what is said when it could not be."""

import pytest

from podlab.deploy.nodes import leaving
from podlab.deploy.nodes.standing import Standing


def standing(ready: str) -> Standing:
    return Standing(ready=ready, since="2026-01-01T00:00:00Z", address="10.0.0.22", renewed="", lease_s=40)


@pytest.mark.parametrize(
    ("ready", "force", "refused"),
    [("True", False, False), ("False", False, False), ("Unknown", False, True), ("Unknown", True, False)],
)
def test_a_node_of_which_nothing_is_heard_is_removed_by_force_alone(ready: str, force: bool, refused: bool) -> None:
    why = leaving.refusal("n2", standing(ready), force=force)
    assert bool(why) == refused
    assert not why or "nothing has been heard of n2 since 2026-01-01T00:00:00Z" in why


@pytest.mark.parametrize(
    ("force", "check", "more"),
    [
        (False, False, []),
        (True, False, ["--force"]),
        (False, True, ["--dry-run"]),
        (True, True, ["--force", "--dry-run"]),
    ],
)
def test_pods_that_nobody_replaces_go_by_force_and_a_check_moves_none(
    force: bool, check: bool, more: list[str]
) -> None:
    always = ["drain", "n2", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", "60"]
    assert leaving.drain_arguments("n2", 60, force=force, check=check) == [*always, *more]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("evicting pod a/b\nerror: node is not drained: a/b (budget)\n", "node is not drained: a/b (budget). It stays"),
        ("", "it did not say why. It stays"),
    ],
)
def test_why_a_drain_ended_is_the_last_that_it_said(said: str, cause: str) -> None:
    told = leaving.not_drained("n2", said)
    assert told.startswith(cause)
    assert "podlab uncordon n2" in told
