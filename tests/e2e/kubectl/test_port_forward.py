"""kubectl port-forward: to pods, Services and Deployments, several connections at once, much data, closed ports."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace, ask, deployment, service
from podlab_testing.kubectl import Kubectl, Running

SENT_BYTES = 20_000_000


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One with Deployment and Service web, and pod source that gives every caller of port 9000 the same."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    gives = f"head -c {SENT_BYTES} /dev/zero > /tmp/z; while true; do nc -l -p 9000 < /tmp/z; done"
    spec = {
        "containers": [{"name": "c", "image": IMAGE, "command": ["sh", "-c", gives]}],
        "terminationGracePeriodSeconds": 0,
    }
    source = yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "source"}, "spec": spec})
    kubectl("create", "-f", "-", stdin="---\n".join((source, deployment("web", 1, lifecycle=None), service("web"))))
    kubectl("wait", "pod/source", "--for=condition=Ready", "--timeout=60s")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return name


@contextmanager
def forwarded(kubectl: Kubectl, target: str, port: int) -> Iterator[tuple[int, Running]]:
    """The local port, and the command."""
    with kubectl.running("port-forward", target, f":{port}", "--address=127.0.0.1") as command:
        told = "\n".join(command.until("Forwarding from"))
        found = re.search(r"127\.0\.0\.1:(\d+) ->", told)
        assert found, told
        yield int(found[1]), command


def _connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


@pytest.mark.parametrize(("target", "port"), [("service/web", 80), ("deployment/web", 8080)])
def test_many_connections_at_once_are_answered(kubectl: Kubectl, target: str, port: int) -> None:
    with forwarded(kubectl, target, port) as (local, _), ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(ask, [f"http://127.0.0.1:{local}/"] * 16, [20.0] * 16))
    assert len(answers) == 16
    assert all("hello" in answer.lower() for answer in answers)


def test_much_arrives_whole(kubectl: Kubectl) -> None:
    received = 0
    with forwarded(kubectl, "pod/source", 9000) as (local, _), _connection(local) as connection:
        while chunk := connection.recv(1 << 20):
            received += len(chunk)
    assert received == SENT_BYTES


def test_a_closed_port_is_told(kubectl: Kubectl) -> None:
    with forwarded(kubectl, "pod/source", 81) as (local, command), _connection(local) as connection:
        assert connection.recv(1) == b""
        command.until("connection refused")


def test_a_pod_that_does_not_run_has_no_ports(kubectl: Kubectl) -> None:
    kubectl("run", "never", "--image=podlab.local/none:1")
    assert "pod is not running" in kubectl.refused("port-forward", "pod/never", ":80")
