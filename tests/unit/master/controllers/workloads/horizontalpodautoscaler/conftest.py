"""Autoscalers, pods and what they were measured to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics

NOW = 1_000_000
WINDOW_S = 15


def _autoscaler(least: int = 1, most: int = 10, target: int = 50, **spec: Any) -> HorizontalPodAutoscaler:
    made = HorizontalPodAutoscaler(metadata=meta_pb2.ObjectMeta(name="web", namespace="default", uid="uid-hpa"))
    made.metadata.generation = 2
    made.spec.minReplicas, made.spec.maxReplicas = least, most
    made.spec.scaleTargetRef.kind, made.spec.scaleTargetRef.name = "Deployment", "web"
    if "metrics" not in spec:
        metric = made.spec.metrics.add(type="Resource").resource
        metric.name, metric.target.type, metric.target.averageUtilization = "cpu", "Utilization", target
    json_format.ParseDict(spec, made.spec)
    return made


def _worker(
    name: str,
    *,
    phase: str = "Running",
    ready: bool | None = True,
    age_s: int = 1000,
    ready_for_s: int = 900,
    going: bool = False,
    request: str = "100m",
) -> pod_pb2.Pod:
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    container = pod.spec.containers.add(name="main")
    if request:
        container.resources.requests["cpu"].string = request
    pod.status.phase = phase
    pod.status.startTime.seconds = NOW - age_s
    if ready is not None:
        pod.status.conditions.add(type="Ready", status=str(ready)).lastTransitionTime.seconds = NOW - ready_for_s
    if going:
        pod.metadata.deletionTimestamp.seconds = NOW
    return pod


def _measured(name: str, cpu: str) -> PodMetrics:
    made = PodMetrics(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    made.timestamp.seconds = NOW - 5
    made.window.duration = WINDOW_S * 10**9
    made.containers.add(name="main").usage["cpu"].string = cpu
    return made


@pytest.fixture(scope="session")
def autoscaler() -> Callable[..., HorizontalPodAutoscaler]:
    return _autoscaler


@pytest.fixture(scope="session")
def worker() -> Callable[..., pod_pb2.Pod]:
    return _worker


@pytest.fixture(scope="session")
def measured() -> Callable[..., PodMetrics]:
    return _measured
