"""The official Python client against the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes import watch as k8s_watch
from kubernetes.client.exceptions import ApiException


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "podlab.local/hello:1.0"}]},
    }


def deployment(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod("x")["spec"]},
        },
    }


async def test_objects_are_created_read_listed_updated_and_deleted(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        core = k8s.CoreV1Api(api_client)
        made = core.create_namespaced_pod("default", pod("a", app="web"))
        assert made.metadata.uid
        assert made.status.phase == "Pending"
        core.create_namespaced_pod("default", pod("b"))
        assert [one.metadata.name for one in core.list_namespaced_pod("default").items] == ["a", "b"]
        found = core.list_pod_for_all_namespaces(label_selector="app=web", field_selector="status.phase=Pending")
        assert [one.metadata.name for one in found.items] == ["a"]
        made.metadata.labels["tier"] = "front"
        assert core.replace_namespaced_pod("a", "default", made).metadata.labels == {"app": "web", "tier": "front"}
        assert core.patch_namespaced_pod("b", "default", {"metadata": {"labels": {"x": "y"}}}).metadata.labels == {
            "x": "y"
        }
        assert core.delete_namespaced_pod("a", "default").metadata.uid == made.metadata.uid
        core.delete_collection_namespaced_pod("default")
        assert core.list_namespaced_pod("default").items == []

    await asyncio.to_thread(use)


async def test_a_deployment_is_scaled(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        apps = k8s.AppsV1Api(api_client)
        apps.create_namespaced_deployment("default", deployment("web"))
        assert apps.read_namespaced_deployment_scale("web", "default").status.selector == "app=web"
        apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
        scale = apps.read_namespaced_deployment_scale("web", "default")
        scale.spec.replicas = 5
        apps.replace_namespaced_deployment_scale("web", "default", scale)
        with pytest.raises(ApiException, match="modified"):
            apps.replace_namespaced_deployment_scale("web", "default", scale)
        assert apps.read_namespaced_deployment("web", "default").spec.replicas == 5
        apps.delete_namespaced_deployment("web", "default")

    await asyncio.to_thread(use)


async def test_a_watch_tells_what_happens(api_client: k8s.ApiClient) -> None:
    def use() -> list[tuple[str, str]]:
        core = k8s.CoreV1Api(api_client)
        core.create_namespaced_config_map("default", {"metadata": {"name": "there"}})
        seen = []
        watch = k8s_watch.Watch()
        for event in watch.stream(core.list_namespaced_config_map, "default", timeout_seconds=10):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 1:
                core.create_namespaced_config_map("default", {"metadata": {"name": "new"}})
                core.patch_namespaced_config_map("new", "default", {"data": {"a": "b"}})
                core.delete_namespaced_config_map("new", "default")
            if len(seen) == 4:
                watch.stop()
        return seen

    assert await asyncio.to_thread(use) == [
        ("ADDED", "there"), ("ADDED", "new"), ("MODIFIED", "new"), ("DELETED", "new"),
    ]  # fmt: skip


async def test_a_pod_is_bound_to_a_node(api_client: k8s.ApiClient) -> None:
    def use() -> str:
        core = k8s.CoreV1Api(api_client)
        core.create_namespaced_pod("default", pod("a"))
        body = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}}
        core.create_namespaced_pod_binding("a", "default", body, _preload_content=False)
        with pytest.raises(ApiException, match="already assigned"):
            core.create_namespaced_pod_binding("a", "default", body, _preload_content=False)
        return str(core.read_namespaced_pod("a", "default").spec.node_name)

    assert await asyncio.to_thread(use) == "n1"
