"""kubectl drain: pods leave a node by eviction, as far as their disruption budget lets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from deployed import IMAGE, deployment, wait_until
from kubectl import Kubectl

NODE = "n2"
FLAGS = ("--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector=app=web")


@pytest.fixture
def drained(administrator: Kubectl) -> Iterator[str]:
    """A node that takes pods again afterwards."""
    yield NODE
    administrator("uncordon", NODE)


def budget(allowed: int) -> tuple[str, str]:
    """A budget, and a status as its controller would count it."""
    spec = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": allowed}
    told = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
    counts = f'"observedGeneration":1,"disruptionsAllowed":{allowed},"currentHealthy":2,"desiredHealthy":{2 - allowed}'
    return yaml.safe_dump(told), f'{{"status":{{{counts},"expectedPods":2}}}}'


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
    manifest, status = budget(0)
    kubectl("create", "-f", "-", stdin=manifest)
    kubectl("patch", "pdb", "web", "--subresource=status", "--type=merge", "-p", status)
    done = kubectl("drain", drained, *FLAGS, "--timeout=1s", check=False)
    here = [pod for pod in kubectl.items("pods") if pod["spec"]["nodeName"] == drained]
    assert here, "no pod was there to hold"
    assert done.returncode != 0
    assert "Cannot evict pod as it would violate the pod's disruption budget." in done.stderr
    kubectl("drain", drained, *FLAGS, "--timeout=60s", "--disable-eviction")
    wait_until(
        lambda: not [pod for pod in kubectl.items("pods") if pod["spec"]["nodeName"] == drained], "the node is empty"
    )
