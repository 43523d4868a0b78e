"""HorizontalPodAutoscalers of autoscaling/v1 and v2: what the first cannot say stands in Kubernetes' annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import orjson
from google.protobuf.message import Message

from podlab.api.serializer.decoding import decoder
from podlab.api.serializer.encoding import encoder
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as v1
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2 as v2
from podlab.autoscaling.v2 import metrics_pb2
from podlab.errors import BadRequest, Cause

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_SAME_SPEC = ("minReplicas", "maxReplicas")
_SAME_STATUS = ("observedGeneration", "currentReplicas", "desiredReplicas")

M = TypeVar("M", bound=Message)


def to_v1(item: v2.HorizontalPodAutoscaler) -> v1.HorizontalPodAutoscaler:
    """The share of the CPU in its own field, and all else as annotations."""
    out = v1.HorizontalPodAutoscaler()
    if item.HasField("metadata"):
        out.metadata.CopyFrom(item.metadata)
    _copy(item.spec, out.spec, _SAME_SPEC)
    _copy_reference(item.spec, out.spec)
    if item.HasField("status"):
        out.status.SetInParent()
        _copy(item.status, out.status, _SAME_STATUS)
    if item.status.HasField("lastScaleTime"):
        out.status.lastScaleTime.CopyFrom(item.status.lastScaleTime)
    share = next((one for one in item.spec.metrics if _is_share(one)), None)
    if share is not None:
        out.spec.targetCPUUtilizationPercentage = share.resource.target.averageUtilization
    for one in item.status.currentMetrics:
        if one.resource.name == "cpu" and one.resource.current.HasField("averageUtilization"):
            out.status.currentCPUUtilizationPercentage = one.resource.current.averageUtilization
    annotations = out.metadata.annotations
    for name, values in (
        (METRICS, [one for one in item.spec.metrics if one is not share]),
        (CURRENT_METRICS, item.status.currentMetrics),
        (CONDITIONS, item.status.conditions),
    ):
        if values:
            annotations[name] = _written([encoder(one.DESCRIPTOR)(one) for one in values])
    if item.spec.HasField("behavior"):
        annotations[BEHAVIOR] = _written(encoder(item.spec.behavior.DESCRIPTOR)(item.spec.behavior))
    return out


def to_v2(item: v1.HorizontalPodAutoscaler) -> v2.HorizontalPodAutoscaler:
    """Raises BadRequest for annotations that are not what `to_v1` writes there."""
    out = v2.HorizontalPodAutoscaler()
    if item.HasField("metadata"):
        out.metadata.CopyFrom(item.metadata)
    _copy(item.spec, out.spec, _SAME_SPEC)
    _copy_reference(item.spec, out.spec)
    if item.spec.HasField("targetCPUUtilizationPercentage"):
        share = item.spec.targetCPUUtilizationPercentage
        target = metrics_pb2.MetricTarget(type="Utilization", averageUtilization=share)
        out.spec.metrics.add(type="Resource", resource=metrics_pb2.ResourceMetricSource(name="cpu", target=target))
    annotations = out.metadata.annotations
    out.spec.metrics.extend(_taken(annotations, METRICS, metrics_pb2.MetricSpec))
    for behavior in _taken(annotations, BEHAVIOR, v2.HorizontalPodAutoscalerBehavior):
        out.spec.behavior.CopyFrom(behavior)
    current = _taken(annotations, CURRENT_METRICS, metrics_pb2.MetricStatus)
    conditions = _taken(annotations, CONDITIONS, v2.HorizontalPodAutoscalerCondition)
    if item.HasField("status") or current or conditions:
        _take_status(item.status, out.status)
        out.status.currentMetrics.extend(current or _current_share(item.status))
        out.status.conditions.extend(conditions)
    return out


def _take_status(source: v1.HorizontalPodAutoscalerStatus, target: v2.HorizontalPodAutoscalerStatus) -> None:
    target.SetInParent()
    _copy(source, target, _SAME_STATUS)
    if source.HasField("lastScaleTime"):
        target.lastScaleTime.CopyFrom(source.lastScaleTime)


def _current_share(status: v1.HorizontalPodAutoscalerStatus) -> Sequence[metrics_pb2.MetricStatus]:
    if not status.HasField("currentCPUUtilizationPercentage"):
        return ()
    value = metrics_pb2.MetricValueStatus(averageUtilization=status.currentCPUUtilizationPercentage)
    seen = metrics_pb2.ResourceMetricStatus(name="cpu", current=value)
    return [metrics_pb2.MetricStatus(type="Resource", resource=seen)]


def _is_share(metric: metrics_pb2.MetricSpec) -> bool:
    """Whether it is what v1 has a field for."""
    return metric.resource.name == "cpu" and metric.resource.target.HasField("averageUtilization")


def _copy(source: Message, target: Message, names: Iterable[str]) -> None:
    for field, value in source.ListFields():
        if field.name in names:
            setattr(target, field.name, value)


def _copy_reference(
    source: v1.HorizontalPodAutoscalerSpec | v2.HorizontalPodAutoscalerSpec,
    target: v1.HorizontalPodAutoscalerSpec | v2.HorizontalPodAutoscalerSpec,
) -> None:
    _copy(source.scaleTargetRef, target.scaleTargetRef, ("kind", "name", "apiVersion"))


def _written(value: object) -> str:
    return orjson.dumps(value).decode()


def _taken(annotations: object, name: str, message: type[M]) -> Sequence[M]:
    """What the annotation says, of which nothing is left. One object counts as a list of one."""
    text = annotations.pop(name, "")  # type: ignore[attr-defined]  # a map of protobuf
    if not text:
        return []
    problems: list[Cause] = []
    try:
        data = orjson.loads(text)
        read = decoder(message.DESCRIPTOR)
        made = [read(one, None, problems) for one in (data if isinstance(data, list) else [data])]
        if problems:
            raise BadRequest(f"metadata.annotations[{name}]: {'; '.join(map(str, problems))}")
        return [message(**fields) for fields in made]
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise BadRequest(f"metadata.annotations[{name}]: {error}") from error
