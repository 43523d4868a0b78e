"""Workloads of many pods, and many workloads of a few."""

from __future__ import annotations

from typing import Any

import shapes
from cluster import Cluster
from waiting import until
from writing import each

from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod, PodTemplateSpec

NODES = 1000
DEPLOYMENTS, REPLICAS = 500, 4
LARGE = 2000
STATEFUL_SETS, MEMBERS = 200, 2


async def measure(cluster: Cluster) -> None:
    await _many(cluster)
    await _large(cluster)
    await _stateful(cluster)
    await _everywhere(cluster)


def template(app: str) -> PodTemplateSpec:
    """Small pods that end at once when they are deleted."""
    made = PodTemplateSpec()
    made.metadata.labels["app"] = app
    made.spec.CopyFrom(shapes.basic(app, "").spec)
    made.spec.terminationGracePeriodSeconds = 0
    for amount, value in (("cpu", "1m"), ("memory", "1Mi")):
        made.spec.containers[0].resources.requests[amount].string = value
    return made


def workload(kind: type[Any], name: str, namespace: str, **spec: Any) -> Any:
    """One of the kinds that have a selector and a template."""
    made = kind()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.spec.selector.matchLabels["app"] = name
    made.spec.template.CopyFrom(template(name))
    for field, value in spec.items():
        setattr(made.spec, field, value)
    return made


async def scale(client: Client, name: str, namespace: str, replicas: int) -> None:
    await client.patch(Deployment, name, namespace, patch={"spec": {"replicas": replicas}})


async def _many(cluster: Cluster) -> None:
    namespace, pods = await cluster.namespace("deployments"), DEPLOYMENTS * REPLICAS
    made = [workload(Deployment, f"d{number}", namespace, replicas=REPLICAS) for number in range(DEPLOYMENTS)]
    with cluster.measured(f"{DEPLOYMENTS} Deployments of {REPLICAS} replicas, until all are available", pods, "pod"):
        await each(made, cluster.client.create)
        await until(
            cluster.client, Deployment, namespace, DEPLOYMENTS, lambda one: one.status.availableReplicas == REPLICAS
        )


async def _large(cluster: Cluster) -> None:
    client, namespace = cluster.client, await cluster.namespace("large")
    await client.create(workload(Deployment, "large", namespace, replicas=0))
    with cluster.measured(f"one Deployment from 0 to {LARGE} replicas, until all are available", LARGE, "pod"):
        await scale(client, "large", namespace, LARGE)
        await until(client, Deployment, namespace, 1, lambda one: one.status.availableReplicas == LARGE)
    with cluster.measured(f"one Deployment from {LARGE} replicas to 0, until all are gone", LARGE, "pod"):
        await scale(client, "large", namespace, 0)
        await until(client, Pod, namespace, 0, lambda _: True)


async def _stateful(cluster: Cluster) -> None:
    namespace, pods = await cluster.namespace("stateful"), STATEFUL_SETS * MEMBERS
    made = [
        workload(StatefulSet, f"s{number}", namespace, replicas=MEMBERS, serviceName=f"s{number}")
        for number in range(STATEFUL_SETS)
    ]
    with cluster.measured(f"{STATEFUL_SETS} StatefulSets of {MEMBERS} replicas, until all are available", pods, "pod"):
        await each(made, cluster.client.create)
        await until(
            cluster.client, StatefulSet, namespace, STATEFUL_SETS, lambda one: one.status.availableReplicas == MEMBERS
        )


async def _everywhere(cluster: Cluster) -> None:
    client, namespace = cluster.client, await cluster.namespace("daemons")
    with cluster.measured(f"a DaemonSet on {NODES} nodes, until all are available", NODES, "pod"):
        await client.create(workload(DaemonSet, "everywhere", namespace))
        await until(client, DaemonSet, namespace, 1, lambda one: one.status.numberAvailable == NODES)
