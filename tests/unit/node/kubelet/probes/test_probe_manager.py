"""When a probe's results count, and how containers are reached."""

from __future__ import annotations

import pytest

from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import HandlerResult, HandlerTarget
from node.kubelet.probes.probe_manager import ResultStreak
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        ("g", ["good"]),
        ("bb", []),
        ("bbb", ["bad"]),
        ("bbgbb", ["good"]),
        ("gbbb", ["good", "bad"]),
        ("gbbgbb", ["good"]),
        ("bbbbbg", ["bad", "good"]),
    ],
)
def test_a_result_changes_only_at_its_threshold(results: str, changes: list[str]) -> None:
    probe = pod_pb2.Probe(failureThreshold=3, successThreshold=1)
    streak, seen = ResultStreak(), []
    for result in results:
        if streak.add(result == "g", probe):
            seen.append("good" if streak.result else "bad")
    assert seen == changes


def _port(value: int | str) -> meta_pb2.IntOrString:
    return meta_pb2.IntOrString(intVal=value) if isinstance(value, int) else meta_pb2.IntOrString(type=1, strVal=value)


def test_a_port_may_be_named() -> None:
    container = pod_pb2.Container(name="web", ports=[pod_pb2.ContainerPort(name="http", containerPort=8080)])
    assert handlers.port_number(container, _port(81)) == 81
    assert handlers.port_number(container, _port("http")) == 8080
    with pytest.raises(ValueError, match='container "web" has no port named "gone"'):
        handlers.port_number(container, _port("gone"))


async def test_nobody_there_is_an_answer_too(unused_port: int) -> None:
    target = HandlerTarget("c", pod_pb2.Container(name="web"), "127.0.0.1")
    action = pod_pb2.HTTPGetAction(port=_port(unused_port))
    refused = f"dial tcp 127.0.0.1:{unused_port}: connect: connection refused"
    assert await handlers.http_probe(target, action, 2.0) == HandlerResult(
        False, f'Get "http://127.0.0.1:{unused_port}/": {refused}'
    )
    assert await handlers.tcp_socket(target, pod_pb2.TCPSocketAction(port=_port(unused_port)), 2.0) == HandlerResult(
        False, refused
    )
    health = await handlers.grpc_health(target, pod_pb2.GRPCAction(port=unused_port), 2.0)
    assert not health.success
    assert health.output.startswith(f'error: failed to connect service at "127.0.0.1:{unused_port}": ')
