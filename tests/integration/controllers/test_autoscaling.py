"""Autoscalers follow what kubelets measure."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from podlab_testing import custom_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.objects.podstate import is_ready
from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.api.objects import condition
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apps.v1 import deployment_pb2
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.kinds import builtin
from podlab.meta.v1 import meta_pb2
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc

WINDOW_S = 1


class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """Says that each pod uses as much."""

    def __init__(self, seen: ClusterView) -> None:
        self.seen = seen
        self.cpu_millis = 0

    async def Stats(self, request: Any, context: Any) -> pb.StatsResponse:  # noqa: N802
        pods = []
        for pod in self.seen.pods():
            used = pb.PodUsage(namespace="default", name=pod.metadata.name, uid=pod.metadata.uid)
            used.containers.add(name="main", cpu_nanocores=self.cpu_millis * 10**6, memory_working_set_bytes=1 << 20)
            pods.append(used)
        # The window began after the pods were ready.
        now_ns = time.time_ns() + 2 * WINDOW_S * 10**9
        return pb.StatsResponse(node_name="n1", pods=pods, time_ns=now_ns, window_ns=WINDOW_S * 10**9)


@pytest.fixture
async def kubelet(cluster: Cluster, seen: ClusterView, nodes: FakeNodes) -> AsyncIterator[Kubelet]:
    """That of node n1."""
    server, fake = grpc.aio.server(), Kubelet(seen)
    kubelet_pb2_grpc.add_KubeletServicer_to_server(fake, server)
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    node = await seen.client.get(node_pb2.Node, "n1")
    node.metadata.resourceVersion = ""
    node.status.addresses.add(type="InternalIP", address="127.0.0.1")
    node.status.daemonEndpoints.kubeletEndpoint.Port = port
    await seen.client.update_status(node)
    yield fake
    await server.stop(0)


def deployment(replicas: int) -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.replicas = replicas
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    container = made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    container.resources.requests["cpu"].string = "100m"
    return made


def autoscaler(name: str = "web", kind: str = "Deployment") -> HorizontalPodAutoscaler:
    made = HorizontalPodAutoscaler(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.scaleTargetRef.kind, made.spec.scaleTargetRef.name = kind, name
    made.spec.scaleTargetRef.apiVersion = "apps/v1"
    made.spec.minReplicas, made.spec.maxReplicas = 1, 5
    metric = made.spec.metrics.add(type="Resource").resource
    metric.name, metric.target.type, metric.target.averageUtilization = "cpu", "Utilization", 50
    made.spec.behavior.scaleDown.stabilizationWindowSeconds = 0
    return made


def found(seen: ClusterView) -> HorizontalPodAutoscaler:
    return (
        seen.informers.by_kind[GroupKind("autoscaling", "HorizontalPodAutoscaler")].get("web", "default")
        or HorizontalPodAutoscaler()
    )


@pytest.mark.parametrize(
    ("before", "cpu_millis", "after", "reason"),
    [
        pytest.param(2, 90, 4, "cpu resource utilization (percentage of request) above target", id="more load"),
        pytest.param(4, 10, 1, "All metrics below target", id="less load"),
    ],
)
async def test_a_deployment_follows_its_load(
    seen: ClusterView,
    kubelet: Kubelet,
    controllers: ControllersSettings,
    before: int,
    cpu_millis: int,
    after: int,
    reason: str,
) -> None:
    kubelet.cpu_millis = cpu_millis
    await seen.client.create(deployment(before))
    deployments = seen.informers.deployments
    await seen.until(lambda: [one.status.readyReplicas for one in deployments.list()] == [before], "ready pods")
    await seen.client.create(autoscaler())
    await seen.until(lambda: len(seen.pods()) == after, f"{after} pods")
    await seen.until(lambda: found(seen).status.desiredReplicas == after, "its status")
    status = found(seen).status
    assert status.currentMetrics[0].resource.current.averageUtilization == cpu_millis
    assert {one.type: one.status for one in status.conditions} == {
        "AbleToScale": "True",
        "ScalingActive": "True",
        "ScalingLimited": "False",
    }
    told = ("HorizontalPodAutoscaler", "SuccessfulRescale", f"New size: {after}; reason: {reason}")
    await seen.until_told({told})


async def test_a_workload_that_is_not_there_is_told(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(autoscaler())
    error = 'deployments.apps "web" not found'
    await seen.until_told({("HorizontalPodAutoscaler", "FailedGetScale", error)})
    await seen.until(lambda: found(seen).status.conditions, "its conditions")
    able = condition(found(seen).status.conditions, "AbleToScale")
    assert able is not None
    assert (able.status, able.reason) == ("False", "FailedGetScale")
    assert able.message == f"the HPA controller was unable to get the target's current scale: {error}"


async def test_a_custom_kind_follows_its_load_at_the_paths_of_its_scale(
    seen: ClusterView, kubelet: Kubelet, controllers: ControllersSettings
) -> None:
    kubelet.cpu_millis = 90
    definitions = builtin.catalog().resource(CustomResourceDefinition).kind
    await seen.client.create(codec.from_dict(custom_kinds.definition(), definitions))
    for name in ("a", "b"):
        pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default", labels={"app": "web"}))
        pod.spec.CopyFrom(deployment(1).spec.template.spec)
        await seen.client.create(pod)
    await seen.until(lambda: [is_ready(pod) for pod in seen.pods()] == [True, True], "ready pods")
    crontabs = GroupKind("example.com", "CronTab")
    await seen.until(lambda: crontabs in seen.informers.by_kind, "the kind")
    made = Custom(metadata=meta_pb2.ObjectMeta(name="my", namespace="default"), api_version="example.com/v1")
    made.kind, made.content = "CronTab", b'{"spec":{"replicas":2}}'
    made = await seen.client.create(made)
    made.content = b'{"spec":{"replicas":2},"status":{"replicas":2,"labelSelector":"app=web"}}'
    await seen.client.update_status(made)
    wanted = autoscaler("my", "CronTab")
    wanted.spec.scaleTargetRef.apiVersion = "example.com/v1"
    await seen.client.create(wanted)

    def replicas() -> object:
        found = seen.informers.by_kind[crontabs].get("my", "default")
        return custom.content(found)["spec"]["replicas"] if isinstance(found, Custom) else None

    await seen.until(lambda: replicas() == 4, "4 replicas")
    told = "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    await seen.until_told({("HorizontalPodAutoscaler", "SuccessfulRescale", told)})
