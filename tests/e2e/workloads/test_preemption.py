"""A more important pod gets the room of a less important one, which may end in peace."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, pod, wait_until

from podlab.api.values import quantity
from podlab.meta.v1.meta_pb2 import Quantity

# What the cluster's own pods on a node may take.
OTHERS_MILLIS = 400


@pytest.fixture
def important(cli: Cli) -> Iterator[str]:
    """A PriorityClass of the test's own."""
    name = f"important-{secrets.token_hex(3)}"
    made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1000}
    cli("apply", "-f", "-", stdin=yaml.safe_dump(made))
    yield name
    cli("delete", "priorityclass", name)


@pytest.mark.alone
def test_preemption_frees_room_for_a_more_important_pod(cli: Cli, namespace: str, important: str) -> None:
    node = cli.items("nodes")[-1]
    name = node["metadata"]["name"]
    room = quantity.millis(Quantity(string=node["status"]["allocatable"]["cpu"])) - OTHERS_MILLIS
    cli("apply", "-n", namespace, "-f", "-", stdin=_filling("low", name, room))
    wait_until(lambda: _get(cli, namespace, "low")["status"]["phase"] == "Running", "the first one runs", 60)
    cli("apply", "-n", namespace, "-f", "-", stdin=_filling("high", name, room, priorityClassName=important))
    wait_until(lambda: _get(cli, namespace, "high")["status"].get("nominatedNodeName") == name, "it is nominated", 20)
    wait_until(lambda: _get(cli, namespace, "high")["status"]["phase"] == "Running", "it runs instead", 60)
    assert cli.run("get", "pod", "low", "-n", namespace).returncode == 1
    messages = {event["reason"]: event["message"] for event in cli.items("events", "-n", namespace)}
    uid = _get(cli, namespace, "high")["metadata"]["uid"]
    assert messages["Preempted"] == f"Preempted by pod {uid} on node {name}"
    assert "nominatedNodeName" not in _get(cli, namespace, "high")["status"]


def _filling(name: str, node: str, cpu_millis: int, **spec: Any) -> str:
    wanted = {"nodeSelector": {"kubernetes.io/hostname": node}, "terminationGracePeriodSeconds": 5, **spec}
    return pod(name, resources={"requests": {"cpu": f"{cpu_millis}m"}}, readinessProbe=None, spec=wanted)


def _get(cli: Cli, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cli.get("pod", name, "-n", namespace)
    return found
