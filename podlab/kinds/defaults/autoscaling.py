"""Defaults of HorizontalPodAutoscalers."""

from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2, metrics_pb2

CPU_UTILIZATION = 80
_PERIOD_S = 15
_PODS_UP = 4
_ALL_PERCENT = 100


def horizontal_pod_autoscaler(item: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler) -> None:
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
