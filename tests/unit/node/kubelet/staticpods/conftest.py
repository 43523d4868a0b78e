from __future__ import annotations

from collections.abc import Callable

import pytest

from node.kubelet.staticpods.manifest import decode
from podlab.core.v1 import pod_pb2


@pytest.fixture
def static_pod() -> Callable[..., pod_pb2.Pod]:
    """A pod of node n1 whose manifest says so much."""

    def make(name: str = "web", image: str = "a:1") -> pod_pb2.Pod:
        spec = f'{{containers: [{{name: a, image: "{image}"}}]}}'
        text = f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {spec}}}"
        return decode(text.encode(), f"/m/{name}.yaml", "n1")

    return make
