"""`lightkube`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import deployment, pod

lightkube = pytest.importorskip("lightkube", reason="lightkube is not installed: scripts/bootstrap clients")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(kubeconfig: Path, namespace: str) -> Iterator[Any]:
    with lightkube.Client(lightkube.KubeConfig.from_file(kubeconfig), namespace=namespace) as made:
        yield made


def test_a_pod_is_created_watched_patched_asked_and_deleted(client: Any) -> None:
    from lightkube.resources.core_v1 import Pod

    assert client.create(Pod.from_dict(yaml.safe_load(pod("box", lifecycle=None)))).status.phase == "Pending"
    for event, seen in client.watch(Pod, server_timeout=30):
        assert event in ("ADDED", "MODIFIED")
        if seen.status.phase == "Running":
            break
    client.wait(Pod, "box", for_conditions=["Ready"])
    client.patch(Pod, "box", {"metadata": {"labels": {"tier": "front"}}})
    assert [each.metadata.name for each in client.list(Pod, labels={"tier": "front"})] == ["box"]
    assert any("listening" in line for line in client.log("box"))
    client.delete(Pod, "box", grace_period=0)
    with pytest.raises(lightkube.ApiError, match="not found") as refused:
        client.get(Pod, "box")
    assert refused.value.status.code == 404


def test_a_command_is_run_in_a_pod(client: Any) -> None:
    from lightkube.resources.core_v1 import Pod

    client.create(Pod.from_dict(yaml.safe_load(pod("box", lifecycle=None))))
    client.wait(Pod, "box", for_conditions=["Ready"])
    assert client.exec("box", command=["echo", "hello there"], stdout=True).stdout == "hello there\n"


def test_a_deployment_is_scaled_and_replaced(client: Any) -> None:
    from lightkube.resources.apps_v1 import Deployment

    client.create(Deployment.from_dict(yaml.safe_load(deployment("web", 0))))
    scale = Deployment.Scale.from_dict({"metadata": {"name": "web"}, "spec": {"replicas": 1}})
    client.replace(scale, "web")
    client.wait(Deployment, "web", for_conditions=["Available"])
    found = client.get(Deployment, "web")
    assert found.spec.replicas == 1
    found.metadata.labels = {"tier": "front"}
    found.metadata.resourceVersion = None  # whatever its controller has told meanwhile
    assert client.replace(found).metadata.labels == {"tier": "front"}
    client.delete(Deployment, "web", cascade=lightkube.types.CascadeType.FOREGROUND)


def test_objects_of_a_custom_kind_live_as_others_do(client: Any, crontabs: str) -> None:
    from lightkube.generic_resource import create_namespaced_resource

    kind = create_namespaced_resource(crontabs, "v1", "CronTab", "crontabs")
    made = client.create(kind({"metadata": {"name": "a"}, "spec": {"cron": "0 3 * * *"}}))
    assert made.spec["replicas"] == 2
    merge = lightkube.types.PatchType.MERGE
    assert client.patch(kind, "a", {"spec": {"replicas": 3}}, patch_type=merge).metadata.generation == 2
    assert client.patch(kind.Status, "a", {"status": {"last": "today"}}, patch_type=merge).status == {"last": "today"}
    assert client.patch(kind.Scale, "a", {"spec": {"replicas": 4}}, patch_type=merge).spec.replicas == 4
    assert [each.spec["replicas"] for each in client.list(kind)] == [4]
    with pytest.raises(lightkube.ApiError, match="the body of the request was in an unknown format") as refused:
        client.patch(kind, "a", {"spec": {"replicas": 5}})  # a strategic merge
    assert refused.value.status.code == 415
    applied = client.apply(kind({"metadata": {"name": "a"}, "spec": {"cron": "0 3 * * *"}}), field_manager="own")
    assert ("own", "Apply") in {(each.manager, each.operation) for each in applied.metadata.managedFields}
    for event, seen in client.watch(kind, server_timeout=30):
        if event == "DELETED":
            break
        assert (event, seen.metadata.name) == ("ADDED", "a")
        client.delete(kind, "a")
    assert list(client.list(kind)) == []
