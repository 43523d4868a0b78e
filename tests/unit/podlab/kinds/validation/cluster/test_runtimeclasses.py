"""How containers may be run."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass


def runtime(**changes: Any) -> Any:
    return sample(kinds.of(RuntimeClass), changes)


TOLERATION = {"key": "a", "operator": "Exists"}
BAD = [
    (runtime(handler=None), "handler: Required value"),
    (runtime(handler="Run_C"), 'handler: Invalid value: "Run_C": a lowercase RFC 1123 label'),
    (runtime(overhead={"podFixed": {"cpu": "-1"}}), "overhead.podFixed.limits[cpu]: Invalid value"),
    (runtime(scheduling={"nodeSelector": {"-": "x"}}), 'scheduling.nodeSelector: Invalid value: "-"'),
    (runtime(scheduling={"tolerations": [TOLERATION, TOLERATION]}), "scheduling.tolerations[1]: Duplicate value"),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


def test_the_handler_of_pods_that_run_stays() -> None:
    assert builtin_kinds.validate_create(runtime()) == ()
    (cause,) = builtin_kinds.validate_update(runtime(handler="kata"), runtime())
    assert str(cause) == 'handler: Invalid value: "kata": field is immutable'
