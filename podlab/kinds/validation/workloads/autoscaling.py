"""HorizontalPodAutoscalers."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from podlab.api.values import quantity
from podlab.autoscaling.v2 import horizontalpodautoscaler_pb2, metrics_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.workloads import deployments
from podlab.meta.v1 import meta_pb2

_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_WINDOW_S = 3600
_PERIOD_S = 1800


def check_autoscaler(found: Findings, item: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler) -> None:
    """A HorizontalPodAutoscaler, whichever way it comes."""
    spec = item.spec
    found.at_least("spec.minReplicas", spec.minReplicas, 1)
    found.at_least("spec.maxReplicas", spec.maxReplicas, 1)
    if spec.maxReplicas < spec.minReplicas:
        found.invalid("spec.maxReplicas", spec.maxReplicas, "must be greater than or equal to `minReplicas`")
    _check_reference(found, "spec.scaleTargetRef", spec.scaleTargetRef)
    for index, metric in enumerate(spec.metrics):
        _check_metric(found, f"spec.metrics[{index}]", metric)
    for name in ("scaleUp", "scaleDown"):
        if spec.behavior.HasField(name):
            _check_rules(found, f"spec.behavior.{name}", getattr(spec.behavior, name))


def check_new_autoscaler(found: Findings, item: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler) -> None:
    """What old ones, which nobody checked, may go on with: of which version what they refer to is."""
    for field, value, fault in _version_faults(item.spec):
        found.invalid(field, value, fault)


def check_autoscaler_update(
    found: Findings,
    new: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler,
    old: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler,
) -> None:
    """As above, unless it was wrong before."""
    if not list(_version_faults(old.spec)):
        check_new_autoscaler(found, new)


def _version_faults(spec: horizontalpodautoscaler_pb2.HorizontalPodAutoscalerSpec) -> Iterator[tuple[str, str, str]]:
    """Field, value and what is wrong with it. Only a ReplicationController can be scaled that is of no group."""
    described = (
        (f"spec.metrics[{index}].object.describedObject", metric.object.describedObject)
        for index, metric in enumerate(spec.metrics)
        if metric.HasField("object")
    )
    for field, reference in (("spec.scaleTargetRef", spec.scaleTargetRef), *described):
        version = reference.apiVersion
        if version.count("/") > 1:
            yield f"{field}.apiVersion", version, f"unexpected GroupVersion string: {version}"
    target = spec.scaleTargetRef
    if "/" not in target.apiVersion.strip("/") and (target.apiVersion, target.kind) != ("v1", "ReplicationController"):
        yield "spec.scaleTargetRef.apiVersion", target.apiVersion, "apiVersion must specify API group"


def check_autoscaler_status(found: Findings, item: horizontalpodautoscaler_pb2.HorizontalPodAutoscaler) -> None:
    """What its controller counts, and what it measured."""
    deployments.check_counts(found, "status", item.status, "currentReplicas", "desiredReplicas", "observedGeneration")
    for index, metric in enumerate(item.status.currentMetrics):
        source = _FIELDS.get(metric.type, ("", _nothing))[0]
        current = getattr(metric, source).current if source else metrics_pb2.MetricValueStatus()
        for name in ("value", "averageValue"):
            if current.HasField(name):
                _amount(found, f"status.currentMetrics[{index}].{source}.current.{name}", getattr(current, name))


def _check_reference(found: Findings, field: str, reference: metrics_pb2.CrossVersionObjectReference) -> None:
    for name in ("kind", "name"):
        _check_segment(found, f"{field}.{name}", getattr(reference, name))


def _check_segment(found: Findings, field: str, value: str, missing: str = "") -> None:
    """A part of a URL's path."""
    if value:
        found.invalid(field, value, *syntax.path_segment(value))
    else:
        found.required(field, missing)


def _check_rules(found: Findings, field: str, rules: horizontalpodautoscaler_pb2.HPAScalingRules) -> None:
    window, where = rules.stabilizationWindowSeconds, f"{field}.stabilizationWindowSeconds"
    if window < 0:
        found.invalid(where, window, "must be greater than or equal to zero")
    elif window > _WINDOW_S:
        found.invalid(where, window, f"must be less than or equal to {_WINDOW_S}")
    if rules.HasField("selectPolicy") and rules.selectPolicy not in ("Disabled", "Max", "Min"):
        found.unsupported(f"{field}.selectPolicy", rules.selectPolicy, ("Disabled", "Max", "Min"))
    if rules.HasField("tolerance"):
        amount = _amount(found, f"{field}.tolerance", rules.tolerance)
        if amount is not None and amount < 0:
            found.invalid(f"{field}.tolerance", rules.tolerance.string, "must be greater than or equal to 0")
    if not rules.policies:
        found.required(f"{field}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.policies):
        at = f"{field}.policies[{index}]"
        if policy.type not in ("Percent", "Pods"):
            found.unsupported(f"{at}.type", policy.type, ("Percent", "Pods"))
        if policy.value <= 0:
            found.invalid(f"{at}.value", policy.value, "must be greater than zero")
        if policy.periodSeconds <= 0:
            found.invalid(f"{at}.periodSeconds", policy.periodSeconds, "must be greater than zero")
        elif policy.periodSeconds > _PERIOD_S:
            rule = f"must be less than or equal to {_PERIOD_S}"
            found.invalid(f"{at}.periodSeconds", policy.periodSeconds, rule)


def _check_metric(found: Findings, field: str, metric: metrics_pb2.MetricSpec) -> None:
    if not metric.type:
        found.required(f"{field}.type", "must specify a metric source type")
    elif metric.type not in _TYPES:
        found.unsupported(f"{field}.type", metric.type, _TYPES)
    wanted = _FIELDS.get(metric.type, ("", _nothing))[0]
    if wanted and not metric.HasField(wanted):
        found.required(f"{field}.{wanted}", "must populate information for the given metric source")
    for name, check in _FIELDS.values():
        if metric.HasField(name):  # type: ignore[arg-type]  # one of its fields
            if name == wanted:
                check(found, f"{field}.{name}", getattr(metric, name))
            else:
                found.forbidden(f"{field}.{name}", "must populate the given metric source only")


def _check_object(found: Findings, field: str, source: metrics_pb2.ObjectMetricSource) -> None:
    _check_reference(found, f"{field}.describedObject", source.describedObject)
    _check_identifier(found, f"{field}.metric", source.metric)
    _check_target(found, f"{field}.target", source.target)
    if not source.target.HasField("value") and not source.target.HasField("averageValue"):
        found.required(f"{field}.target.averageValue", "must set either a target value or averageValue")


def _check_external(found: Findings, field: str, source: metrics_pb2.ExternalMetricSource) -> None:
    _check_identifier(found, f"{field}.metric", source.metric)
    _check_target(found, f"{field}.target", source.target)
    whole, each = source.target.HasField("value"), source.target.HasField("averageValue")
    if not whole and not each:
        rule = "must set either a target value for metric or a per-pod target"
        found.required(f"{field}.target.averageValue", rule)
    elif whole and each:
        rule = "may not set both a target value for metric and a per-pod target"
        found.forbidden(f"{field}.target.value", rule)


def _check_pods(found: Findings, field: str, source: metrics_pb2.PodsMetricSource) -> None:
    _check_identifier(found, f"{field}.metric", source.metric)
    _check_target(found, f"{field}.target", source.target)
    if not source.target.HasField("averageValue"):
        found.required(f"{field}.target.averageValue", "must specify a positive target averageValue")


def _check_resource(
    found: Findings,
    field: str,
    source: metrics_pb2.ResourceMetricSource | metrics_pb2.ContainerResourceMetricSource,
) -> None:
    if not source.name:
        found.required(f"{field}.name", "must specify a resource name")
    _check_target(found, f"{field}.target", source.target)
    amount, share = source.target.HasField("averageValue"), source.target.HasField("averageUtilization")
    if not amount and not share:
        rule = "must set either a target raw value or a target utilization"
        found.required(f"{field}.target.averageUtilization", rule)
    elif amount and share:
        rule = "may not set both a target raw value and a target utilization"
        found.forbidden(f"{field}.target.averageValue", rule)


def _check_container_resource(found: Findings, field: str, source: metrics_pb2.ContainerResourceMetricSource) -> None:
    _check_resource(found, field, source)
    if source.container:
        found.invalid(f"{field}.container", source.container, *syntax.label(source.container))
    else:
        found.required(f"{field}.container", "must specify a container")


def _check_target(found: Findings, field: str, target: metrics_pb2.MetricTarget) -> None:
    if not target.type:
        found.required(f"{field}.type", "must specify a metric target type")
    elif target.type not in ("Utilization", "Value", "AverageValue"):
        found.invalid(f"{field}.type", target.type, "must be either Utilization, Value, or AverageValue")
    for name in ("value", "averageValue"):
        if target.HasField(name):
            amount = _amount(found, f"{field}.{name}", getattr(target, name))
            if amount is not None and amount <= 0:
                found.invalid(f"{field}.{name}", getattr(target, name).string, "must be positive")
    if target.HasField("averageUtilization"):
        found.at_least(f"{field}.averageUtilization", target.averageUtilization, 1)


def _amount(found: Findings, field: str, given: meta_pb2.Quantity) -> Fraction | None:
    """The number, or None where it is none, which `found` then says."""
    try:
        return quantity.parse(given)
    except ValueError as error:
        found.invalid(field, given.string, str(error))
        return None


def _check_identifier(found: Findings, field: str, metric: metrics_pb2.MetricIdentifier) -> None:
    _check_segment(found, f"{field}.name", metric.name, "must specify a metric name")
    check_selector(found, f"{field}.selector", metric.selector)


def _nothing(*_: Any) -> None:
    """For a type that does not exist."""


# The field that belongs to each type of metric, and what is checked of it.
_FIELDS: dict[str, tuple[str, Callable[[Findings, str, Any], None]]] = {
    "Object": ("object", _check_object),
    "External": ("external", _check_external),
    "Pods": ("pods", _check_pods),
    "Resource": ("resource", _check_resource),
    "ContainerResource": ("containerResource", _check_container_resource),
}
