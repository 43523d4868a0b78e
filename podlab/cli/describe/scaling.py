"""HorizontalPodAutoscalers and PodDisruptionBudgets."""

from podlab.api import cells
from podlab.api.conversion import autoscaler_state
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler, HPAScalingRules
from podlab.autoscaling.v2.metrics_pb2 import MetricSpec
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, conditions, events, heading, moment
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.meta.v1.meta_pb2 import IntOrString
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


def autoscaler(found: HorizontalPodAutoscaler, related: Related) -> Fields:
    spec, status = found.spec, found.status
    statuses = autoscaler_state.statuses(spec.metrics, status.currentMetrics)
    rows = [
        layout.field(_described(metric), autoscaler_state.target(metric, one))
        for metric, one in zip(spec.metrics, statuses, strict=True)
    ]
    behavior = [
        _rules(title, rules)
        for title, rules in (("Scale Up", spec.behavior.scaleUp), ("Scale Down", spec.behavior.scaleDown))
    ]
    return [
        *heading(found.metadata),
        layout.field("Reference", f"{spec.scaleTargetRef.kind}/{spec.scaleTargetRef.name}"),
        layout.group("Metrics ( current / target )", rows),
        *([layout.group("Behavior", behavior)] if spec.HasField("behavior") else []),
        layout.field("Min replicas", str(spec.minReplicas) if spec.HasField("minReplicas") else "<unset>"),
        layout.field("Max replicas", str(spec.maxReplicas)),
        layout.field("Deployment pods", f"{status.currentReplicas} current / {status.desiredReplicas} desired"),
        *([layout.field("Last scale time", moment(status.lastScaleTime))] if status.HasField("lastScaleTime") else []),
        conditions(status.conditions),
        events(related),
    ]


def _described(metric: MetricSpec) -> str:
    if metric.type == "Resource":
        return f"resource {metric.resource.name} on pods"
    if metric.type == "ContainerResource":
        source = metric.containerResource
        return f'resource {source.name} of container "{source.container}" on pods'
    if metric.type == "Pods":
        return f'"{metric.pods.metric.name}" on pods'
    if metric.type == "Object":
        about = metric.object.describedObject
        return f'"{metric.object.metric.name}" on {about.kind}/{about.name}'
    return f'"{metric.external.metric.name}" (external)'


def _rules(title: str, rules: HPAScalingRules) -> LayoutField:
    window = str(rules.stabilizationWindowSeconds) if rules.HasField("stabilizationWindowSeconds") else "<unset>"
    policies = [f"{one.type}  Value: {one.value}  Period: {one.periodSeconds} seconds" for one in rules.policies]
    return layout.group(
        title,
        [
            layout.field("Stabilization Window", f"{window} seconds"),
            layout.field("Select Policy", rules.selectPolicy),
            layout.field("Policies", policies),
        ],
    )


def budget(found: PodDisruptionBudget, related: Related) -> Fields:
    spec, status = found.spec, found.status
    bounds = (("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable"))
    return [
        *heading(found.metadata),
        *(layout.field(title, _bound(getattr(spec, name))) for title, name in bounds if spec.HasField(name)),  # type: ignore[arg-type]
        layout.field("Selector", cells.selector(spec.selector) if spec.HasField("selector") else "<unset>"),
        *([layout.field("Unhealthy pods", spec.unhealthyPodEvictionPolicy)] if spec.unhealthyPodEvictionPolicy else []),
        layout.group(
            "Status",
            [
                layout.field("Allowed disruptions", str(status.disruptionsAllowed)),
                layout.field("Current", str(status.currentHealthy)),
                layout.field("Desired", str(status.desiredHealthy)),
                layout.field("Total", str(status.expectedPods)),
            ],
        ),
        *([conditions(status.conditions)] if status.conditions else []),
        events(related),
    ]


def _bound(value: IntOrString) -> str:
    return value.strVal if value.type == 1 else str(value.intVal)
