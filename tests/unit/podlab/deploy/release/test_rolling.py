"""Which hosts are changed in which order, and what is told of it before."""

from __future__ import annotations

import pytest

from podlab.deploy.release.rolling import Rolling, plan, refused, steps

OLD, NEW = "v1.36.0+podlab.0.1.0.aaaa", "v1.36.0+podlab.0.2.0.bbbb"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Rolling(["m1"], ["n1", "n2"]), [("m1",), ("n1",), ("n2",)]),
        (Rolling(["m1", "m2"], ["n1", "n2", "n3"], batch=2), [("m1",), ("m2",), ("n1", "n2"), ("n3",)]),
        (Rolling(["m1"], ["m1", "n1"], batch=5), [("m1",), ("n1",)]),
        (Rolling([], ["n2"]), [("n2",)]),
    ],
)
def test_masters_go_first_each_alone_and_then_nodes_in_batches(asked: Rolling, expected: list[tuple[str, ...]]) -> None:
    assert steps(asked) == expected


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="batch is 0: give how many nodes are changed at a time"):
        steps(Rolling(["m1"], ["n1"], batch=0))


def test_the_plan_says_of_each_host_what_happens_to_it() -> None:
    asked = Rolling(["m1"], ["n1", "n2", "n3"], batch=2, drain=True)
    assert list(plan(asked, {"m1": NEW, "n1": OLD, "n2": ""}, NEW)) == [
        f"1. m1 runs {NEW} already: only what is not right is changed",
        f"2. n1 goes from {OLD} to {NEW}, drained first; "
        f"n2 goes from a release that it does not tell to {NEW}, drained first",
        f"3. n3 goes from a release that it does not tell to {NEW}, drained first",
    ]


def test_nodes_alone_do_not_go_beyond_their_api_server() -> None:
    nodes = Rolling([], ["n1"])
    why = refused(nodes, OLD, NEW)
    assert why is not None
    assert "would be newer than the API server" in why.cause
    assert refused(nodes, NEW, OLD) is None  # one behind
    assert refused(nodes, NEW, NEW) is None
    assert refused(Rolling(["m1"], ["n1"]), OLD, NEW) is None  # it goes along
    assert refused(nodes, "", NEW) is None  # it did not say
