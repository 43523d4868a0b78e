"""Exclusive processors on a real node, with the kernel's cpusets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_for
from podlab_testing.kubectl import Kubectl
from podlab_testing.kubelet_settings import changed, on_host

from podlab.lab.lab import Lab

NODE = "n2"
STATIC = {"policy": "static", "reserved_cpus": "0"}

pytestmark = pytest.mark.alone


@pytest.fixture
def static(lab: Lab, cli: Cli, all_ready: None) -> Iterator[int]:
    """How many processors the machine has, of which the node gives away all but one."""
    with changed(lab, NODE, cpu_manager=STATIC):
        yield int(on_host(lab, NODE, "nproc --all"))


def pod(name: str, limits: dict[str, str]) -> str:
    container = {"name": "main", "image": IMAGE, "resources": {"limits": limits}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "nodeName": NODE}
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    return json.dumps(made)


def test_a_guaranteed_pod_has_a_processor_for_itself(
    lab: Lab, cli: Cli, kubectl: Kubectl, namespace: str, static: int
) -> None:
    if static < 2:
        pytest.skip("the machine has one processor")

    def allowed(name: str) -> str:
        return kubectl.out("exec", name, "--", "sh", "-c", "grep Cpus_allowed_list /proc/1/status").split()[-1]

    def phase(name: str) -> str:
        return str(cli.get("pod", name, "-n", namespace)["status"]["phase"])

    kubectl("apply", "-f", "-", stdin=pod("shares", {}))
    wait_for("Running", lambda: phase("shares"), "a pod that shares")
    everything = f"0-{static - 1}"
    assert allowed("shares") == everything
    kubectl("apply", "-f", "-", stdin=pod("alone", {"cpu": "1", "memory": "32Mi"}))
    wait_for("Running", lambda: phase("alone"), "a pod with a processor for itself")
    assert allowed("alone") == "1"
    rest = "0" if static == 2 else f"0,2-{static - 1}" if static > 3 else "0,2"
    wait_for(rest, lambda: allowed("shares"), "the other one leaves it")
    kubectl("delete", "pod", "alone", "--timeout=60s")
    wait_for(everything, lambda: allowed("shares"), "the pool is whole again")
