"""What differs between two messages."""

from __future__ import annotations

from typing import Any

import pytest

from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.api.serializer.differences import differing
from podlab.apply.comparison import compare
from podlab.core.v1.pod_pb2 import Pod
from podlab.shapes.messages import shape_of

BASE: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"a": "1"}},
    "spec": {
        "nodeName": "n",
        "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
    "status": {"phase": "Running", "containerStatuses": [{"name": "a", "ready": True}]},
}


def pod(**changed: Any) -> Any:
    return codec.from_dict({**BASE, **changed}, kinds.of(Pod))


@pytest.mark.parametrize(
    ("changed", "before", "after"),
    [
        ({}, {}, {}),
        (
            {"metadata": {"name": "p", "labels": {"a": "2"}}},
            {"metadata": {"labels": {"a": "1"}}},
            {"metadata": {"labels": {"a": "2"}}},
        ),
        (
            {"status": {**BASE["status"], "phase": "Failed"}},
            {"status": {"phase": "Running"}},
            {"status": {"phase": "Failed"}},
        ),
        (
            {"status": {**BASE["status"], "containerStatuses": [{"name": "a"}]}},
            {"status": {"containerStatuses": ["was"]}},
            {"status": {"containerStatuses": ["is"]}},
        ),
        (
            {"spec": {**BASE["spec"], "volumes": [{"name": "v", "configMap": {"name": "c"}}]}},
            {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
            {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}},
        ),
        (
            {"spec": {**BASE["spec"], "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "z"}]}},
            {"spec": {"containers": [{"name": "b", "image": "y", "resources": {}}]}},
            {"spec": {"containers": [{"name": "b", "image": "z", "resources": {}}]}},
        ),
    ],
)
def test_only_what_differs_is_told(changed: Any, before: Any, after: Any) -> None:
    assert differing(pod(), pod(**changed)) == (before, after)


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": {"containers": []}},
        {"status": {}},
        {"metadata": {"name": "p"}},
        {"spec": {**BASE["spec"], "volumes": [], "nodeName": ""}},
        {"spec": {**BASE["spec"], "containers": [{"name": "b", "image": "y"}, {"name": "a", "image": "w"}]}},
        {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
    ],
)
def test_what_is_equal_may_be_left_out_of_a_comparison(changed: Any) -> None:
    old, new, shape = pod(), pod(**changed), shape_of(Pod)
    assert compare(*differing(old, new), shape) == compare(codec.to_dict(old), codec.to_dict(new), shape)
    assert compare(*differing(new, old), shape) == compare(codec.to_dict(new), codec.to_dict(old), shape)
