"""What each of an autoscaler's metrics says: how many pods it asks for, or why it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from master.controllers.workloads.horizontalpodautoscaler import replicas, samples
from master.controllers.workloads.horizontalpodautoscaler.replicas import ReplicaNeed, Tolerances
from podlab.api.selection import selectors
from podlab.api.values import quantity
from podlab.autoscaling.v2.metrics_pb2 import (
    ContainerResourceMetricSource,
    ContainerResourceMetricStatus,
    MetricSpec,
    MetricStatus,
    MetricValueStatus,
    ResourceMetricSource,
    ResourceMetricStatus,
)
from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import Quantity
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics

Source = ResourceMetricSource | ContainerResourceMetricSource
_NO_PODS = "no pods returned by selector while calculating replica count"
_NO_METRICS = "no metrics returned from resource metrics API"
_NONE_READY = "did not receive metrics for targeted pods (pods might be unready)"


@dataclass(frozen=True)
class WorkloadLoad:
    """The pods of a workload, what was measured of them, and how many it has now.

    `rivals` names all its autoscalers where there are several.
    """

    pods: Sequence[pod_pb2.Pod]
    measured: Sequence[PodMetrics]
    current: int
    now: float
    namespace: str = ""
    selector: str = ""
    rivals: Sequence[str] = ()


@dataclass(frozen=True)
class MetricProposal:
    """`name` is the metric's, as messages have it."""

    replicas: int
    name: str
    status: MetricStatus


@dataclass(frozen=True)
class MetricUnavailable:
    """Why a metric says nothing: `error` is what went wrong, `prefix` with what the whole is told elsewhere."""

    reason: str
    error: str
    prefix: str


_USUAL = Tolerances()


def evaluate_metric(
    metric: MetricSpec, load: WorkloadLoad, tolerances: Tolerances = _USUAL
) -> MetricProposal | MetricUnavailable:
    """Metrics other than those of resources are served by nobody here, and told of as such."""
    if metric.type == "Resource":
        return _resource(metric.resource, load, tolerances)
    if metric.type == "ContainerResource":
        return _resource(metric.containerResource, load, tolerances)
    what = {"Object": "object", "Pods": "pods", "External": "external"}[metric.type]
    return MetricUnavailable(
        f"FailedGet{metric.type}Metric", _unserved(metric, load.namespace), f"failed to get {what} metric value"
    )


def _unserved(metric: MetricSpec, namespace: str) -> str:
    """What Kubernetes says where nobody has registered an API for such metrics."""
    if metric.type == "External":
        identifier = metric.external.metric
        selector = selectors.from_message(identifier.selector) if identifier.HasField("selector") else "nil"
        return (
            f"unable to get external metric {namespace}/{identifier.name}/{selector}: unable to fetch metrics from "
            "external metrics API: the server could not find the requested resource "
            f"(get {identifier.name}.external.metrics.k8s.io)"
        )
    what = f"{metric.pods.metric.name}: "
    if metric.type == "Object":
        described = metric.object.describedObject
        what = f"{metric.object.metric.name}: {described.kind} on {namespace} {described.name}/"
    why = "unable to fetch metrics from custom metrics API: no known available metric versions found"
    return f"unable to get metric {what}{why}"


def _resource(source: Source, load: WorkloadLoad, tolerances: Tolerances) -> MetricProposal | MetricUnavailable:
    container = source.container if isinstance(source, ContainerResourceMetricSource) else ""
    kind = "container resource" if container else "resource"
    aims_at_value = source.target.HasField("averageValue")
    try:
        need = _need(source, container, load, tolerances)
    except ValueError as error:
        reason = "FailedGetContainerResourceMetric" if container else "FailedGetResourceMetric"
        what = "usage" if aims_at_value else "utilization"
        found = f"failed to get {source.name} {what}: {error}"
        return MetricUnavailable(reason, found, f"failed to get {source.name} {kind} metric value")
    name = f"{source.name} {kind}" + ("" if aims_at_value else " utilization (percentage of request)")
    current = MetricValueStatus(averageValue=Quantity(string=quantity.format_millis(need.average)))
    if need.utilization is not None:
        current.averageUtilization = need.utilization
    return MetricProposal(need.replicas, name, _status(source, container, current))


def _need(source: Source, container: str, load: WorkloadLoad, tolerances: Tolerances) -> ReplicaNeed:
    """Raises ValueError, which says what is not known."""
    if not load.pods:
        raise ValueError(_NO_PODS)
    found = samples.of(load.measured, source.name, container)
    if not found:
        raise ValueError(f"unable to get metrics for resource {source.name}: {_NO_METRICS}")
    groups = samples.grouped(load.pods, found, source.name, load.now)
    if not groups.ready:
        raise ValueError(_NONE_READY)
    if source.target.HasField("averageValue"):
        return replicas.by_average(load.current, groups, quantity.millis(source.target.averageValue), tolerances)
    requests = {pod.metadata.name: _request(pod, source.name, container) for pod in load.pods}
    return replicas.by_utilization(load.current, groups, requests, source.target.averageUtilization, tolerances)


def _request(pod: pod_pb2.Pod, resource: str, container: str) -> int:
    """Thousandths. Raises ValueError when a container that counts does not say what it requests."""
    sidecars = [one for one in pod.spec.initContainers if one.restartPolicy == "Always"]
    total = 0
    for one in (*pod.spec.containers, *sidecars):
        if container and one.name != container:
            continue
        if resource not in one.resources.requests:
            where = f"in container {one.name} of Pod {pod.metadata.name}"
            raise ValueError(f"missing request for {resource} {where}")
        total += quantity.millis(one.resources.requests[resource])
    return total


def _status(source: Source, container: str, current: MetricValueStatus) -> MetricStatus:
    if container:
        of_container = ContainerResourceMetricStatus(name=source.name, container=container, current=current)
        return MetricStatus(type="ContainerResource", containerResource=of_container)
    return MetricStatus(type="Resource", resource=ResourceMetricStatus(name=source.name, current=current))
