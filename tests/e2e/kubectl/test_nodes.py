"""kubectl cordon, uncordon and taint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from podlab_testing.deployed import IMAGE
from podlab_testing.kubectl import Kubectl

pytestmark = pytest.mark.alone

SPEC_TAINTS = "jsonpath={range.spec.taints[*]}{.key}={.value}:{.effect},{end}"


@pytest.fixture
def node(administrator: Kubectl) -> Iterator[str]:
    """A node, which is as before when the test is over."""
    name = administrator.items("nodes")[-1]["metadata"]["name"]
    yield name
    administrator("uncordon", name)
    administrator("taint", "nodes", name, "example.com/test-", check=False)


def test_a_cordoned_node_gets_no_pods(kubectl: Kubectl, node: str) -> None:
    assert kubectl.out("cordon", node) == f"node/{node} cordoned"
    assert kubectl.out("cordon", node) == f"node/{node} already cordoned"
    assert kubectl.rows("get", "node", node)[1][1] == "Ready,SchedulingDisabled"
    chosen = f'{{"spec":{{"nodeSelector":{{"kubernetes.io/hostname":"{node}"}}}}}}'
    kubectl("run", "x", f"--image={IMAGE}", "--overrides", chosen)
    kubectl("wait", "pod/x", "--for=condition=PodScheduled=False", "--timeout=20s")
    assert "1 node(s) were unschedulable" in kubectl.out("describe", "pod", "x")
    assert kubectl.out("uncordon", node) == f"node/{node} uncordoned"
    assert kubectl.out("uncordon", node) == f"node/{node} already uncordoned"
    kubectl("wait", "pod/x", "--for=condition=Ready", "--timeout=30s")


def test_taints_are_added_changed_and_removed(kubectl: Kubectl, node: str) -> None:
    assert kubectl.out("taint", "node", node, "example.com/test=a:PreferNoSchedule") == f"node/{node} tainted"
    assert kubectl.refused("taint", "node", node, "example.com/test=b:PreferNoSchedule") == (
        f"error: node {node} already has example.com/test taint(s) with same effect(s) and --overwrite is false"
    )
    assert kubectl.out("taint", "node", node, "example.com/test=b:PreferNoSchedule", "--overwrite") == (
        f"node/{node} modified"
    )
    assert kubectl.out("get", "node", node, "-o", SPEC_TAINTS) == "example.com/test=b:PreferNoSchedule,"
    assert "example.com/test=b:PreferNoSchedule" in kubectl.out("describe", "node", node)
    assert kubectl.out("taint", "node", node, "example.com/test:PreferNoSchedule-") == f"node/{node} untainted"
    assert kubectl.refused("taint", "node", node, "example.com/test-") == ('error: taint "example.com/test" not found')
    assert "invalid taint effect" in kubectl.refused("taint", "node", node, "example.com/test=a:Nope")


def test_a_taint_that_a_pod_does_not_tolerate_evicts_it(kubectl: Kubectl, node: str) -> None:
    kubectl("run", "x", f"--image={IMAGE}", "--overrides", f'{{"spec":{{"nodeName":"{node}"}}}}')
    kubectl("wait", "pod/x", "--for=condition=Ready", "--timeout=30s")
    kubectl("taint", "node", node, "example.com/test:NoExecute")
    kubectl("wait", "pod/x", "--for=delete", "--timeout=60s")
