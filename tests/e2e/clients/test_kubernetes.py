"""The official `kubernetes` client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from podlab_testing.deployed import deployment, pod, service

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[client.ApiClient]:
    made = config.new_client_from_config(str(kubeconfig))
    with made:
        yield made
        made.rest_client.pool_manager.clear()


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


def until(core: client.CoreV1Api, namespace: str, phase: str) -> list[tuple[str, str]]:
    """What a watch tells of pods until one is in the phase."""
    seen, following = [], watch.Watch()
    for event in following.stream(core.list_namespaced_pod, namespace, timeout_seconds=30):
        seen.append((event["type"], event["object"].status.phase))
        if seen[-1][1] == phase:
            following.stop()
    return seen


def test_a_pod_is_created_watched_patched_asked_and_deleted(core: client.CoreV1Api, namespace: str) -> None:
    body: dict[str, Any] = yaml.safe_load(pod("box", lifecycle=None))
    assert core.create_namespaced_pod(namespace, body).status.phase == "Pending"
    assert until(core, namespace, "Running")[-1] == ("MODIFIED", "Running")
    patched = core.patch_namespaced_pod("box", namespace, {"metadata": {"labels": {"tier": "front"}}})
    assert patched.metadata.labels == {"app": "box", "tier": "front"}
    found = core.list_namespaced_pod(namespace, label_selector="tier=front", limit=1)
    assert [item.metadata.name for item in found.items] == ["box"]
    assert "listening" in core.read_namespaced_pod_log("box", namespace)
    core.delete_namespaced_pod("box", namespace, grace_period_seconds=0)
    with pytest.raises(ApiException, match='pods \\\\"box\\\\" not found') as refused:
        core.read_namespaced_pod("box", namespace)
    assert refused.value.status == 404


def test_a_command_is_run_in_a_pod(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_pod(namespace, yaml.safe_load(pod("box", lifecycle=None)))
    until(core, namespace, "Running")
    ask = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
    said = stream(core.connect_get_namespaced_pod_exec, "box", namespace, command=["echo", "hello there"], **ask)
    assert said == "hello there\n"
    talk = stream(
        core.connect_get_namespaced_pod_exec,
        "box",
        namespace,
        command=["sh", "-c", "read x; echo got $x; exit 7"],
        **(ask | {"stdin": True, "_preload_content": False}),
    )
    talk.write_stdin("this\n")
    talk.run_forever(timeout=20)
    assert (talk.read_stdout(), talk.returncode) == ("got this\n", 7)


def test_manifests_of_a_whole_application(api: client.ApiClient, core: client.CoreV1Api, namespace: str) -> None:
    manifests = list(yaml.safe_load_all(deployment("web", 1) + "---\n" + service("web")))
    utils.create_from_yaml(api, yaml_objects=manifests, namespace=namespace)
    apps = client.AppsV1Api(api)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
    assert apps.read_namespaced_deployment_scale("web", namespace).spec.replicas == 2
    assert core.read_namespaced_service("web", namespace).spec.cluster_ip
    apps.delete_namespaced_deployment("web", namespace, propagation_policy="Foreground")
    core.delete_collection_namespaced_pod(namespace)


def test_the_dynamic_client_finds_kinds_by_discovery(api: client.ApiClient, namespace: str) -> None:
    from kubernetes.dynamic import DynamicClient

    configs = DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    configs.create(namespace=namespace, body={"metadata": {"name": "c"}, "data": {"a": "1"}})
    configs.patch(
        namespace=namespace, name="c", body={"data": {"a": None}}, content_type="application/merge-patch+json"
    )
    assert configs.get(namespace=namespace, name="c").data is None
    configs.delete(namespace=namespace, name="c")
    assert configs.get(namespace=namespace, label_selector="x=y").items == []


def test_the_dynamic_client_handles_custom_kinds(api: client.ApiClient, namespace: str, crontabs: str) -> None:
    from kubernetes.dynamic import DynamicClient

    kind = DynamicClient(api).resources.get(api_version=f"{crontabs}/v1", kind="CronTab")
    body = {"apiVersion": f"{crontabs}/v1", "kind": "CronTab", "metadata": {"name": "a"}, "spec": {"cron": "0 3 * * *"}}
    made = kind.create(namespace=namespace, body=body)
    assert made.spec.replicas == 2
    merge = {"namespace": namespace, "name": "a", "content_type": "application/merge-patch+json"}
    assert kind.patch(body={"spec": {"replicas": 3}}, **merge).metadata.generation == 2
    assert kind.status.patch(body={"status": {"last": "today"}}, **merge).status.last == "today"
    assert kind.scale.patch(body={"spec": {"replicas": 4}}, **merge).spec.replicas == 4
    assert [each.spec.replicas for each in kind.get(namespace=namespace).items] == [4]
    with pytest.raises(ApiException, match="conflict with") as refused:
        kind.server_side_apply(
            namespace=namespace, name="a", body=body | {"spec": {"cron": "x"}}, field_manager="other"
        )
    assert refused.value.status == 409
    following, seen = watch.Watch(), []
    began = made.metadata.resourceVersion
    for event in kind.watch(namespace=namespace, resource_version=began, timeout=30, watcher=following):
        seen.append((event["type"], event["object"].spec.replicas))
        if len(seen) == 3:
            kind.delete(namespace=namespace, name="a")
        if event["type"] == "DELETED":
            following.stop()
    assert seen == [("MODIFIED", 3), ("MODIFIED", 3), ("MODIFIED", 4), ("DELETED", 4)]
