"""Workloads by the official Python client against the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from podlab_testing import builtin_kinds, sample_objects


def body(name: str) -> dict[str, Any]:
    return sample_objects.data(builtin_kinds.named(name))


async def test_an_autoscaler_is_the_same_in_both_versions(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        old, new = k8s.AutoscalingV1Api(api_client), k8s.AutoscalingV2Api(api_client)
        reference = k8s.V1CrossVersionObjectReference(api_version="apps/v1", kind="Deployment", name="web")
        spec = k8s.V1HorizontalPodAutoscalerSpec(
            scale_target_ref=reference, max_replicas=4, target_cpu_utilization_percentage=60
        )
        meta = k8s.V1ObjectMeta(generate_name="web-")
        made = old.create_namespaced_horizontal_pod_autoscaler(
            "default", k8s.V1HorizontalPodAutoscaler(metadata=meta, spec=spec)
        )
        name = made.metadata.name
        found = new.read_namespaced_horizontal_pod_autoscaler(name, "default")
        assert found.spec.metrics[0].resource.target.average_utilization == 60
        memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
        metrics = [*api_client.sanitize_for_serialization(found.spec.metrics), {"type": "Resource", "resource": memory}]
        new.patch_namespaced_horizontal_pod_autoscaler(name, "default", {"spec": {"metrics": metrics}})
        old.patch_namespaced_horizontal_pod_autoscaler(name, "default", {"spec": {"maxReplicas": 9}})
        found = new.read_namespaced_horizontal_pod_autoscaler(name, "default")
        assert found.spec.max_replicas == 9
        assert [one.resource.name for one in found.spec.metrics] == ["cpu", "memory"]
        (listed,) = old.list_namespaced_horizontal_pod_autoscaler("default").items
        assert "autoscaling.alpha.kubernetes.io/metrics" in listed.metadata.annotations
        with pytest.raises(ApiException, match="must be greater than 0"):
            old.patch_namespaced_horizontal_pod_autoscaler(name, "default", {"spec": {"maxReplicas": 0}})

    await asyncio.to_thread(use)


async def test_a_job_is_run_and_reported(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        batch = k8s.BatchV1Api(api_client)
        made = batch.create_namespaced_job("default", body("Job") | {"metadata": {"generateName": "work-"}})
        name = made.metadata.name
        assert made.spec.selector.match_labels == {"batch.kubernetes.io/controller-uid": made.metadata.uid}
        assert made.spec.template.metadata.labels["batch.kubernetes.io/job-name"] == name
        assert made.metadata.generation == 1
        started = {"status": {"active": 1, "startTime": "2030-01-01T00:00:00Z"}}
        assert batch.patch_namespaced_job_status(name, "default", started).status.active == 1
        done = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
        with pytest.raises(ApiException, match="active>0 is invalid for finished job"):
            batch.patch_namespaced_job_status(name, "default", done)
        suspended = batch.patch_namespaced_job(name, "default", {"spec": {"suspend": True}})
        assert (suspended.metadata.generation, suspended.status.active) == (2, 1)
        for value, found in (("0", [name]), ("1", [])):
            listed = batch.list_namespaced_job("default", field_selector=f"status.successful={value}")
            assert [one.metadata.name for one in listed.items] == found

    await asyncio.to_thread(use)


async def test_controllers_and_stateful_sets_are_scaled(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        core, apps = k8s.CoreV1Api(api_client), k8s.AppsV1Api(api_client)
        core.create_namespaced_replication_controller("default", body("ReplicationController"))
        apps.create_namespaced_stateful_set("default", body("StatefulSet"))
        scale = core.patch_namespaced_replication_controller_scale("sample", "default", {"spec": {"replicas": 5}})
        assert (scale.spec.replicas, scale.status.selector) == (5, "app=web")
        apps.patch_namespaced_stateful_set_scale("sample", "default", {"spec": {"replicas": 4}})
        found = apps.read_namespaced_stateful_set("sample", "default")
        assert (found.spec.replicas, found.metadata.generation) == (4, 2)

    await asyncio.to_thread(use)


async def test_a_revision_keeps_any_object(api_client: k8s.ApiClient) -> None:
    def use() -> None:
        apps = k8s.AppsV1Api(api_client)
        made = apps.create_namespaced_controller_revision("default", body("ControllerRevision"))
        assert made.data == body("ControllerRevision")["data"]
        with pytest.raises(ApiException, match="field is immutable"):
            apps.patch_namespaced_controller_revision("sample", "default", {"data": {"spec": None}})

    await asyncio.to_thread(use)
