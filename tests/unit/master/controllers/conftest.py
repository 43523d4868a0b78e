"""Builders of objects that are valid by default."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from podlab.apps.v1 import daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

NOW = 1_000_000
_numbers = count(1)


def _pod(
    name: str = "",
    *,
    phase: str = "Running",
    ready: bool | None = True,
    node: str = "n1",
    ready_at: int = NOW - 1000,
    created: int = NOW - 1000,
    going: bool = False,
    ip: str = "",
    restarts: int = 0,
    **labels: str,
) -> pod_pb2.Pod:
    number = next(_numbers)
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name or f"pod-{number}", namespace="default", labels=labels))
    pod.metadata.uid = f"uid-{number:06d}"
    pod.metadata.creationTimestamp.seconds = created
    pod.spec.nodeName = node
    pod.spec.containers.add(name="main", image="hello")
    pod.status.phase = phase
    pod.status.podIP = ip or f"10.244.{number // 250 % 250}.{number % 250}"
    if ready is not None:
        condition = pod.status.conditions.add(type="Ready", status=str(ready))
        condition.lastTransitionTime.seconds = ready_at
    if restarts:
        pod.status.containerStatuses.add(name="main", restartCount=restarts)
    if going:
        pod.metadata.deletionTimestamp.seconds = NOW
    return pod


def _replica_set(
    name: str = "web-1", replicas: int = 3, *, image: str = "hello", available: int = 0, present: int | None = None
) -> replicaset_pb2.ReplicaSet:
    made = replicaset_pb2.ReplicaSet(metadata=meta_pb2.ObjectMeta(name=name, namespace="default", uid=f"uid-{name}"))
    made.spec.replicas = replicas
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image=image)
    made.status.replicas = replicas if present is None else present
    made.status.availableReplicas = made.status.readyReplicas = available
    return made


def _deployment(
    replicas: int = 3, *, image: str = "hello", surge: int | str = "25%", unavailable: int | str = "25%"
) -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default", uid="uid-web"))
    made.metadata.generation = 1
    made.spec.replicas = replicas
    made.spec.revisionHistoryLimit = 10
    made.spec.progressDeadlineSeconds = 600
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image=image)
    made.spec.strategy.type = "RollingUpdate"
    made.spec.strategy.rollingUpdate.maxSurge.CopyFrom(_share(surge))
    made.spec.strategy.rollingUpdate.maxUnavailable.CopyFrom(_share(unavailable))
    return made


def _stateful_set(
    replicas: int = 3,
    *,
    image: str = "hello",
    policy: str = "OrderedReady",
    unavailable: int | str | None = None,
    claims: tuple[str, ...] = (),
) -> statefulset_pb2.StatefulSet:
    made = statefulset_pb2.StatefulSet(metadata=meta_pb2.ObjectMeta(name="web", namespace="default", uid="uid-web"))
    made.metadata.generation = 1
    made.spec.replicas = replicas
    made.spec.serviceName = "nginx"
    made.spec.podManagementPolicy = policy
    made.spec.revisionHistoryLimit = 10
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image=image)
    made.spec.updateStrategy.type = "RollingUpdate"
    made.spec.updateStrategy.rollingUpdate.partition = 0
    if unavailable is not None:
        made.spec.updateStrategy.rollingUpdate.maxUnavailable.CopyFrom(_share(unavailable))
    for name in claims:
        made.spec.volumeClaimTemplates.add().metadata.name = name
    return made


def _daemon_set(*, surge: int | str = 0, unavailable: int | str = 1) -> daemonset_pb2.DaemonSet:
    made = daemonset_pb2.DaemonSet(metadata=meta_pb2.ObjectMeta(name="agent", namespace="default", uid="uid-agent"))
    made.spec.selector.matchLabels["app"] = "agent"
    made.spec.template.metadata.labels["app"] = "agent"
    made.spec.template.spec.containers.add(name="main", image="agent")
    made.spec.updateStrategy.type = "RollingUpdate"
    made.spec.updateStrategy.rollingUpdate.maxSurge.CopyFrom(_share(surge))
    made.spec.updateStrategy.rollingUpdate.maxUnavailable.CopyFrom(_share(unavailable))
    return made


def _share(value: int | str) -> meta_pb2.IntOrString:
    if isinstance(value, int):
        return meta_pb2.IntOrString(type=0, intVal=value)
    return meta_pb2.IntOrString(type=1, strVal=value)


def _node(name: str = "n1", *, ready: str = "True", cidr: str = "") -> node_pb2.Node:
    made = node_pb2.Node(metadata=meta_pb2.ObjectMeta(name=name, uid=f"uid-{name}"))
    if ready:
        condition = made.status.conditions.add(type="Ready", status=ready, reason="KubeletReady")
        condition.lastTransitionTime.seconds = NOW - 10
    made.spec.podCIDR = cidr
    return made


@pytest.fixture(scope="session")
def now() -> int:
    return NOW


@pytest.fixture(scope="session")
def pod() -> Callable[..., pod_pb2.Pod]:
    return _pod


@pytest.fixture(scope="session")
def replica_set() -> Callable[..., replicaset_pb2.ReplicaSet]:
    return _replica_set


@pytest.fixture(scope="session")
def deployment() -> Callable[..., deployment_pb2.Deployment]:
    return _deployment


@pytest.fixture(scope="session")
def stateful_set() -> Callable[..., statefulset_pb2.StatefulSet]:
    return _stateful_set


@pytest.fixture(scope="session")
def daemon_set() -> Callable[..., daemonset_pb2.DaemonSet]:
    return _daemon_set


@pytest.fixture(scope="session")
def node() -> Callable[..., node_pb2.Node]:
    return _node
