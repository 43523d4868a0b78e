"""kubectl autoscale."""

from __future__ import annotations

import pytest
from podlab_testing.deployed import IMAGE, MakeNamespace
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One with a Deployment to scale."""
    name = make_namespace()
    administrator.inside(name)("create", "deployment", "web", f"--image={IMAGE}", "--replicas=0")
    return name


def test_a_workload_gets_an_autoscaler(kubectl: Kubectl) -> None:
    said = kubectl.out("autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu-percent=80")
    assert said == "horizontalpodautoscaler.autoscaling/web autoscaled"
    row = " ".join(kubectl.rows("get", "hpa", "web")[1])
    assert row.startswith("web Deployment/web cpu: <unknown>/80% 2 5 0 ")
    spec = kubectl.json("get", "hpa", "web")["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    assert spec["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    ]
    older = kubectl.json("get", "horizontalpodautoscalers.v1.autoscaling", "web")
    assert older["apiVersion"] == "autoscaling/v1"
    assert (older["spec"]["minReplicas"], older["spec"]["targetCPUUtilizationPercentage"]) == (2, 80)
    assert "AlreadyExists" in kubectl.refused("autoscale", "deployment", "web", "--max=5")


def test_names_and_dry_runs(kubectl: Kubectl) -> None:
    for dry_run in ("client", "server"):
        told = kubectl.json("autoscale", "deployment/web", "--name=other", "--max=3", f"--dry-run={dry_run}")
        assert (told["metadata"]["name"], told["spec"]["maxReplicas"]) == ("other", 3)
    assert "NotFound" in kubectl.refused("get", "hpa", "other")


def test_what_cannot_be_is_refused(kubectl: Kubectl) -> None:
    assert "NotFound" in kubectl.refused("autoscale", "deployment", "nope", "--max=3")
    assert 'required flag(s) \\"max\\" not set' in kubectl.refused("autoscale", "deployment", "web")
    assert "could not find" in kubectl.refused("autoscale", "configmap", "kube-root-ca.crt", "--max=3")
