"""An autoscaler follows the CPU load of its pods, up and down."""

from __future__ import annotations

import yaml
from podlab_testing.deployed import Cli, container, wait_until

# Idle until there is a file /tmp/busy.
SCRIPT = (
    "while :; do if [ -e /tmp/busy ]; then i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; else sleep 0.1; fi; done"
)


def manifests() -> str:
    labels = {"app": "load"}
    box = container(command=["sh", "-c", SCRIPT], readinessProbe=None, lifecycle=None)
    box["resources"] = {"requests": {"cpu": "40m"}, "limits": {"cpu": "100m"}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [box], "terminationGracePeriodSeconds": 0}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "load"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    target = {"type": "Utilization", "averageUtilization": 75}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "load"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "load"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }
    return yaml.safe_dump_all([deployment, autoscaler])


def test_pods_come_and_go_with_the_load(cli: Cli, namespace: str) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=manifests())
    cli("rollout", "status", "deployment/load", "-n", namespace, timeout_s=60)

    def replicas() -> int:
        return int(cli.get("deployment", "load", "-n", namespace)["spec"]["replicas"])

    (pod,) = cli.items("pods", "-n", namespace)
    at_work = ("exec", pod["metadata"]["name"], "-n", namespace, "--")
    cli(*at_work, "touch", "/tmp/busy")
    wait_until(lambda: replicas() > 1, "more pods under load", 90, 1)
    found = cli.get("horizontalpodautoscaler", "load", "-n", namespace)["status"]
    assert found["currentMetrics"][0]["resource"]["current"]["averageUtilization"] > 75
    # Of the pods, the oldest stays.
    cli(*at_work, "rm", "/tmp/busy")
    wait_until(lambda: replicas() == 1, "one pod is enough again", 90, 1)
    conditions = cli.get("horizontalpodautoscaler", "load", "-n", namespace)["status"]["conditions"]
    assert {one["type"]: one["status"] for one in conditions}["ScalingActive"] == "True"
