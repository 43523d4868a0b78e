"""The kind HorizontalPodAutoscaler."""

from datetime import datetime

from podlab.api.cells import UNSET, Cells, Table, age
from podlab.api.conversion import autoscaler_state, autoscaler_versions
from podlab.api.kinds import of
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as hpa_v1_pb2
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2, metrics_pb2
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.kinds.resource import Resource, Version
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_AUTOSCALERS = "NAME|REFERENCE|TARGETS|MINPODS|MAXPODS|REPLICAS|AGE"
CPU_UTILIZATION = 80
_PERIOD_S = 15
_PODS_UP = 4
_ALL_PERCENT = 100


def _cells(item: HorizontalPodAutoscaler, now: datetime) -> Cells:
    spec = item.spec
    return [
        item.metadata.name,
        f"{spec.scaleTargetRef.kind}/{spec.scaleTargetRef.name}",
        autoscaler_state.targets(spec.metrics, item.status.currentMetrics),
        str(spec.minReplicas) if spec.HasField("minReplicas") else UNSET,
        str(spec.maxReplicas),
        str(item.status.currentReplicas),
        age(item, now),
    ]


def _set_defaults(item: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler) -> None:
    """By the CPU; up at once and fast, down as fast as it goes."""
    spec = item.spec
    if not spec.HasField("minReplicas"):
        spec.minReplicas = 1
    if not spec.metrics:
        target = metrics_pb2.MetricTarget(type="Utilization", averageUtilization=CPU_UTILIZATION)
        spec.metrics.add(type="Resource", resource=metrics_pb2.ResourceMetricSource(name="cpu", target=target))
    if spec.HasField("behavior"):
        _rules(spec.behavior.scaleUp, (("Pods", _PODS_UP), ("Percent", _ALL_PERCENT)))
        if not spec.behavior.scaleUp.HasField("stabilizationWindowSeconds"):
            spec.behavior.scaleUp.stabilizationWindowSeconds = 0
        _rules(spec.behavior.scaleDown, (("Percent", _ALL_PERCENT),))


def _rules(rules: horizontalpodautoscaler_pb2.HPAScalingRules, policies: tuple[tuple[str, int], ...]) -> None:
    if not rules.HasField("selectPolicy"):
        rules.selectPolicy = "Max"
    if not rules.policies:
        for kind, value in policies:
            rules.policies.add(type=kind, value=value, periodSeconds=_PERIOD_S)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import autoscaling

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(
            autoscaling.check_autoscaler,
            autoscaling.check_autoscaler_update,
            autoscaling.check_autoscaler_status,
            autoscaling.check_new_autoscaler,
        ),
    )


RESOURCE = Resource(
    of(HorizontalPodAutoscaler),
    other_versions=(
        Version(
            of(hpa_v1_pb2.HorizontalPodAutoscaler),
            autoscaler_versions.to_v2,
            autoscaler_versions.to_v1,
        ),
    ),
    subresources=(STATUS,),
    table=Table(_cells, tuple(_AUTOSCALERS.split("|")), untold={"MAXPODS": int, "REPLICAS": int}),
    load_strategy=_strategy,
)
