from __future__ import annotations

import pytest

from master.apiserver.egress.kubelet import nodes
from podlab.core.v1.node_pb2 import Node


@pytest.mark.parametrize(
    ("annotation", "told", "port"),
    [("7450", 10250, 7450), ("9450", 10250, 9450), ("", 7460, 7460), ("", 0, 7450), ("x", 7460, 7460)],
)
def test_a_kubelet_is_called_where_its_node_says_that_grpc_is(annotation: str, told: int, port: int) -> None:
    """Those of earlier releases say it as their only port."""
    node = Node()
    node.metadata.annotations["podlab.io/kubelet-port"] = annotation
    node.status.daemonEndpoints.kubeletEndpoint.Port = told
    assert nodes.port(node) == port
