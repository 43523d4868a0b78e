"""`kr8s`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from podlab_testing.deployed import deployment, pod

kr8s = pytest.importorskip("kr8s", reason="kr8s is not installed: scripts/bootstrap clients")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # It knows the versions that there were when it was released.
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning"),
]


def test_a_pod_is_created_watched_patched_asked_and_deleted(kubeconfig: Path, namespace: str) -> None:
    from kr8s.objects import Pod

    api = kr8s.api(kubeconfig=str(kubeconfig), namespace=namespace)
    made = Pod(yaml.safe_load(pod("box", lifecycle=None)) | {}, namespace=namespace, api=api)
    made.create()
    for event, seen in api.watch("pods", namespace=namespace):
        assert event in ("ADDED", "MODIFIED")
        if seen.ready():
            break
    made.wait("condition=Ready", timeout=30)
    made.label({"tier": "front"})
    made.patch({"metadata": {"annotations": {"why": "so"}}})
    (found,) = api.get("pods", namespace=namespace, label_selector="tier=front")
    assert (found.name, found.annotations["why"]) == ("box", "so")
    assert made.exec(["echo", "hello there"]).stdout == b"hello there\n"
    assert any("listening" in line for line in made.logs())
    made.delete(force=True)
    assert not made.exists()


def test_a_deployment_is_scaled(kubeconfig: Path, namespace: str) -> None:
    from kr8s.objects import Deployment

    api = kr8s.api(kubeconfig=str(kubeconfig), namespace=namespace)
    made = Deployment(yaml.safe_load(deployment("web", 1)), namespace=namespace, api=api)
    made.create()
    made.scale(2)
    made.wait("condition=Available", timeout=30)
    assert {each.labels["app"] for each in made.pods()} == {"web"}
    made.delete()


def test_objects_of_a_custom_kind_live_as_others_do(kubeconfig: Path, namespace: str, crontabs: str) -> None:
    api = kr8s.api(kubeconfig=str(kubeconfig), namespace=namespace)
    kind = kr8s.objects.new_class("CronTab", f"{crontabs}/v1", namespaced=True, scalable=True, asyncio=False)
    made = kind({"metadata": {"name": "a"}, "spec": {"cron": "0 3 * * *"}}, namespace=namespace, api=api)
    made.create()
    assert made.spec.replicas == 2
    made.patch({"spec": {"replicas": 3}})
    made.patch({"status": {"last": "today"}}, subresource="status")
    made.scale(4)
    (found,) = api.get(f"crontabs.{crontabs}", namespace=namespace)
    assert (found.spec.replicas, found.status.last, found.metadata.generation) == (4, "today", 3)
    with pytest.raises(kr8s.ServerError, match="should be less than or equal to 9"):
        made.patch({"spec": {"replicas": 10}})
    for event, seen in api.watch(f"crontabs.{crontabs}", namespace=namespace):
        if event == "DELETED":
            break
        assert (event, seen.name) == ("ADDED", "a")
        made.delete()
    assert not made.exists()
