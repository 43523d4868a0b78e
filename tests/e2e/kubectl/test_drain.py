"""kubectl drain: pods leave a node by eviction, as far as their disruption budget lets them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import IMAGE, condition_of, deployment, wait_until
from podlab_testing.kubectl import Kubectl

pytestmark = pytest.mark.alone

NODE = "n2"
FLAGS = ("--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector=app=web")


@pytest.fixture
def drained(administrator: Kubectl) -> Iterator[str]:
    """A node that takes pods again afterwards."""
    yield NODE
    administrator("uncordon", NODE)


def make_budget(kubectl: Kubectl, max_unavailable: int) -> None:
    """Returns when it is counted."""
    spec = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": max_unavailable}
    manifest = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=yaml.safe_dump(manifest))
    allowed = ("get", "pdb", "web", "-o", "jsonpath={.status.disruptionsAllowed}")
    wait_until(lambda: kubectl.out(*allowed) == str(max_unavailable), "the budget is counted", 20)


def test_pods_leave_and_come_up_elsewhere(kubectl: Kubectl, drained: str) -> None:
    manifest = deployment("web", 2, lifecycle=None, image=IMAGE)
    kubectl("create", "-f", "-", stdin=manifest)
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    told = kubectl.out("drain", drained, *FLAGS, "--timeout=60s")
    assert f"node/{drained} drained" in told
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert {pod["spec"]["nodeName"] for pod in kubectl.items("pods")} == {"n1"}


def test_a_budget_holds_a_pod_until_eviction_is_left_out(kubectl: Kubectl, drained: str) -> None:
    kubectl("create", "-f", "-", stdin=deployment("web", 2, lifecycle=None))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    make_budget(kubectl, 0)
    done = kubectl("drain", drained, *FLAGS, "--timeout=1s", check=False)
    here = [pod for pod in kubectl.items("pods") if pod["spec"]["nodeName"] == drained]
    assert here, "no pod was there to hold"
    assert done.returncode != 0
    assert "Cannot evict pod as it would violate the pod's disruption budget." in done.stderr
    kubectl("drain", drained, *FLAGS, "--timeout=60s", "--disable-eviction")
    wait_until(
        lambda: not [pod for pod in kubectl.items("pods") if pod["spec"]["nodeName"] == drained], "the node is empty"
    )


def test_a_drain_keeps_the_budget(kubectl: Kubectl, drained: str) -> None:
    """Both pods of the node go, one after the other: never is more than one missing."""
    kubectl("create", "-f", "-", stdin=deployment("web", 4, lifecycle=None))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    make_budget(kubectl, 1)
    before = {pod["metadata"]["name"] for pod in kubectl.items("pods") if pod["spec"]["nodeName"] == drained}
    ready: list[int] = []
    draining = threading.Thread(target=lambda: kubectl("drain", drained, *FLAGS, "--timeout=90s"))
    draining.start()
    while draining.is_alive():
        ready.append(sum(is_ready(pod) for pod in kubectl.items("pods")))
    draining.join()
    assert len(before) > 1
    assert min(ready) >= 3
    assert not before & {pod["metadata"]["name"] for pod in kubectl.items("pods")}


def is_ready(pod: dict[str, Any]) -> bool:
    """It also counts while it is being stopped: until then it answers."""
    return condition_of(pod, "Ready") == "True"
