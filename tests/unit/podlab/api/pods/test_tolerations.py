"""Which taints a toleration covers."""

from __future__ import annotations

import pytest

from podlab.api.pods.tolerations import tolerates
from podlab.core.v1 import node_pb2, pod_pb2

GPU = {"key": "gpu", "value": "yes", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"key": "gpu", "operator": "Equal", "value": "yes"}, True),
        ({"key": "gpu", "value": "yes", "effect": "NoExecute"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"value": "yes"}, False),
        ({"operator": "Exists"}, True),
    ],
)
def test_a_toleration_fits_by_key_value_and_effect(fields: dict[str, str], expected: bool) -> None:
    assert tolerates(pod_pb2.Toleration(**fields), node_pb2.Taint(**GPU)) is expected
