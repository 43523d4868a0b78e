"""A host that is powered off ends its pods first, and tells how they ended; it comes back and takes pods again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import Cli, condition_of, nodes_ready, pod, wait_until
from podlab_testing.kubelet_settings import changed, on_host

from podlab.lab.lab import Lab

NODE = "n2"
SHUTDOWN = {"grace_period_s": 20, "critical_grace_period_s": 5}
# Ends only when it has had its say, a moment after it was asked to.
SLOW = "trap 'sleep 3; exit 7' TERM; sleep 1000 & wait"


@pytest.fixture
def graceful(lab: Lab, cli: Cli, all_ready: None) -> Iterator[None]:
    """The node waits for its pods when it shuts down."""
    with changed(lab, NODE, shutdown=SHUTDOWN):
        inhibitors = "systemd-inhibit --list --no-legend"
        wait_until(lambda: "podlab-kubelet" in on_host(lab, NODE, inhibitors), "it would wait", 30)
        yield
    wait_until(lambda: nodes_ready(cli), "the node is as it was", 90)


def _status(cli: Cli, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cli.get("pod", name, "-n", namespace)["status"]
    return found


@pytest.mark.alone
def test_pods_end_in_order_before_their_host_is_off(lab: Lab, cli: Cli, namespace: str, graceful: None) -> None:
    spec = {"nodeSelector": {"kubernetes.io/hostname": NODE}, "terminationGracePeriodSeconds": 10}
    command = ["sh", "-c", SLOW]
    body = pod("slow", spec=spec, command=command, readinessProbe=None, lifecycle=None, ports=[])
    cli("apply", "-n", namespace, "-f", "-", stdin=body)
    wait_until(lambda: _status(cli, namespace, "slow")["phase"] == "Running", "it runs")
    lab.run(NODE, ["systemctl", "poweroff"])
    wait_until(lambda: condition_of(cli.get("node", NODE), "Ready") == "False", "the node says so", 60)
    wait_until(lambda: _status(cli, namespace, "slow")["phase"] == "Failed", "it has ended", 60)
    status = _status(cli, namespace, "slow")
    assert (status["reason"], status["message"]) == (
        "Terminated", "Pod was terminated in response to imminent node shutdown."
    )  # fmt: skip
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7, "it was given its time"
    assert condition_of({"status": status}, "DisruptionTarget") == "True"
    wait_until(lambda: not all(each.running for each in lab.status()), "the host is off", 60)
    lab.start([NODE])
    wait_until(lambda: nodes_ready(cli), "the node is back", 120)
