"""kubectl top, and metrics.k8s.io beneath it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from podlab_testing.deployed import IMAGE, MakeNamespace, wait_until
from podlab_testing.kubectl import Kubectl

BUSY = "i=0; while :; do i=$((i+1)); done"


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> Iterator[str]:
    """One with a pod that computes and one that rests, both measured."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    kubectl("run", "busy", f"--image={IMAGE}", "--command", "--", "sh", "-c", BUSY)
    kubectl("run", "idle", f"--image={IMAGE}", "--labels=rests=yes")
    kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=30s")
    wait_until(lambda: measured(kubectl) == 2, "both pods are measured", timeout_s=40)
    wait_until(lambda: cores(kubectl, "busy") > 100, "the busy one is seen to be busy", timeout_s=40)
    yield name
    kubectl("delete", "pod", "busy", "idle", "--now", "--wait=false")


def measured(kubectl: Kubectl) -> int:
    """How many pods; kubectl fails while there is none."""
    return len(kubectl("top", "pods", "--no-headers", check=False).stdout.splitlines())


def cores(kubectl: Kubectl, pod: str) -> int:
    return int(kubectl.rows("top", "pod", pod, "--no-headers")[0][1].removesuffix("m"))


def test_every_node_is_told(kubectl: Kubectl) -> None:
    header, *rows = kubectl.rows("top", "nodes")
    assert header == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert [row[0] for row in rows] == sorted(node["metadata"]["name"] for node in kubectl.items("nodes"))
    for _, cpu, cpu_share, memory, memory_share in rows:
        assert (cpu[-1], cpu_share[-1], memory[-2:], memory_share[-1]) == ("m", "%", "Mi", "%")
        assert int(memory[:-2]) > 0
    used = [int(row[3][:-2]) for row in kubectl.rows("top", "nodes", "--sort-by=memory", "--no-headers")]
    assert used == sorted(used, reverse=True)
    assert len(kubectl.rows("top", "node", rows[0][0], "--no-headers")) == 1


def test_pods_are_told_chosen_and_sorted(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl.rows("top", "pods")[0] == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    by_use = kubectl.rows("top", "pods", "--sort-by=cpu", "--no-headers")
    assert [row[0] for row in by_use] == ["busy", "idle"]
    assert [row[0] for row in kubectl.rows("top", "pods", "-l", "rests=yes", "--no-headers")] == ["idle"]
    chosen = kubectl.rows("top", "pods", "--field-selector=metadata.name=busy", "--no-headers")
    assert [row[0] for row in chosen] == ["busy"]
    assert kubectl.rows("top", "pod", "idle", "--containers")[1][:2] == ["idle", "idle"]
    assert [namespace, "busy"] in [row[:2] for row in kubectl.rows("top", "pods", "-A", "--no-headers")]
    assert kubectl.rows("top", "pods", "--sum")[-1][0].endswith("m")
    assert "NotFound" in kubectl.refused("top", "pod", "nope")


def test_figures_are_objects_too(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl.rows("get", "pods.metrics.k8s.io", "busy")[0] == ["NAME", "CPU", "MEMORY", "WINDOW"]
    assert kubectl.rows("get", "nodes.metrics.k8s.io")[0] == ["NAME", "CPU", "MEMORY", "WINDOW"]
    (container,) = kubectl.json("get", "pods.metrics.k8s.io", "busy")["containers"]
    assert container["name"] == "busy"
    assert container["usage"]["memory"].endswith("Ki")
    assert "Kind: PodMetrics" in " ".join(kubectl.out("describe", "pods.metrics.k8s.io", "busy").split())


def test_who_may_not_is_refused(kubectl: Kubectl) -> None:
    assert 'cannot list resource "pods" in API group "metrics.k8s.io"' in kubectl.refused("top", "pods", "--as=jane")
