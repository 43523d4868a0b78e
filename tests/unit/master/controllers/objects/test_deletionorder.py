"""Which pods go first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.objects.deletionorder import DELETION_COST, pods_to_delete
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
Builder = Callable[..., pod_pb2.Pod]


def costly(make: Builder, cost: str) -> pod_pb2.Pod:
    made = make()
    made.metadata.annotations[DELETION_COST] = cost
    return made


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(lambda make: make(node=""), lambda make: make(), id="a pod without a node"),
        pytest.param(lambda make: make(phase="Pending"), lambda make: make(), id="a pending pod"),
        pytest.param(lambda make: make(ready=False), lambda make: make(), id="a pod that is not ready"),
        pytest.param(lambda make: costly(make, "-5"), lambda make: make(), id="a pod of lower deletion cost"),
        pytest.param(
            lambda make: costly(make, "rubbish"), lambda make: costly(make, "1"), id="an unreadable cost is 0"
        ),
        pytest.param(lambda make: make(ready_at=NOW - 5), lambda make: make(), id="a pod ready for a shorter time"),
        pytest.param(lambda make: make(restarts=3), lambda make: make(), id="a pod that restarted"),
        pytest.param(lambda make: make(created=NOW - 5), lambda make: make(), id="a younger pod"),
    ],
)
def test_the_pod_that_is_missed_least_goes_first(
    pod: Builder, first: Callable[[Builder], Any], second: Callable[[Builder], Any]
) -> None:
    stays, goes = second(pod), first(pod)
    assert pods_to_delete([stays, goes], 1, [], NOW) == [goes]


def test_a_node_that_holds_several_loses_one_first(pod: Builder) -> None:
    alone, paired, other = pod(node="n1"), pod(node="n2"), pod(node="n2")
    assert pods_to_delete([alone, paired], 1, [alone, paired, other], NOW) == [paired]


def test_all_go_when_all_are_too_many(pod: Builder) -> None:
    pods = [pod(), pod()]
    assert pods_to_delete(pods, 2, [], NOW) == pods
