from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import validate_status_update

Found = Callable[..., list[str]]
SHARE = {"type": "Utilization", "averageUtilization": 50}
EACH = {"type": "AverageValue", "averageValue": "10"}
WHOLE = {"type": "Value", "value": "10"}
NAMED = {"name": "hits"}


def made(spec: dict[str, Any]) -> Any:
    return sample_objects.sample(builtin_kinds.named("HorizontalPodAutoscaler"), {"spec": spec})


def rules(**fields: Any) -> dict[str, Any]:
    return {"behavior": {"scaleUp": fields}}


def metric(kind: str, source: str, **fields: Any) -> dict[str, Any]:
    return {"metrics": [{"type": kind, source: fields}]}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        metric("Resource", "resource", name="cpu", target=SHARE),
        metric("ContainerResource", "containerResource", name="cpu", container="web", target=SHARE),
        metric("Pods", "pods", metric=NAMED, target=EACH),
        metric("Object", "object", metric=NAMED, target=WHOLE, describedObject={"kind": "Ingress", "name": "web"}),
        metric("External", "external", metric=NAMED, target=EACH),
        rules(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1800}]),
        rules(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1800}], tolerance="0.05"),
    ],
)
def test_a_good_autoscaler_is_fine(found: Found, spec: dict[str, Any]) -> None:
    assert found(made(spec)) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"minReplicas": 0}, "spec.minReplicas: Invalid value: 0: must be greater than 0"),
        ({"minReplicas": 6}, "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"),
        ({"scaleTargetRef": {"name": ""}}, "spec.scaleTargetRef.name: Required value"),
        ({"scaleTargetRef": {"kind": "a/b"}}, "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'"),
        (
            rules(stabilizationWindowSeconds=3601),
            "scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less",
        ),
        (rules(stabilizationWindowSeconds=-1), "must be greater than or equal to zero"),
        (rules(tolerance="-0.1"), 'scaleUp.tolerance: Invalid value: "-0.1": must be greater than or equal to 0'),
        (rules(selectPolicy="Some"), 'scaleUp.selectPolicy: Unsupported value: "Some"'),
        (
            rules(policies=[{"type": "Odd", "value": 1, "periodSeconds": 1}]),
            'policies[0].type: Unsupported value: "Odd"',
        ),
        (
            rules(policies=[{"type": "Pods", "value": 0, "periodSeconds": 1}]),
            "value: Invalid value: 0: must be greater than zero",
        ),
        (
            rules(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1801}]),
            "policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
        ),
        ({"metrics": [{}]}, "spec.metrics[0].type: Required value: must specify a metric source type"),
        ({"metrics": [{"type": "Moon"}]}, 'spec.metrics[0].type: Unsupported value: "Moon"'),
        (
            {"metrics": [{"type": "Pods"}]},
            "spec.metrics[0].pods: Required value: must populate information for the given metric source",
        ),
        (
            {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": SHARE}, "pods": {}}]},
            "spec.metrics[0].pods: Forbidden: must populate the given metric source only",
        ),
        (metric("Resource", "resource", target=SHARE), "resource.name: Required value: must specify a resource name"),
        (
            metric("Resource", "resource", name="cpu", target={"type": "Utilization"}),
            "target.averageUtilization: Required value: must set either a target raw value or a target utilization",
        ),
        (
            metric("Resource", "resource", name="cpu", target=SHARE | {"averageValue": "1"}),
            "target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
        ),
        (
            metric("Resource", "resource", name="cpu", target=SHARE | {"averageUtilization": 0}),
            "target.averageUtilization: Invalid value: 0: must be greater than 0",
        ),
        (
            metric("ContainerResource", "containerResource", name="cpu", target=SHARE),
            "containerResource.container: Required value: must specify a container",
        ),
        (
            metric("Pods", "pods", metric={}, target=EACH),
            "pods.metric.name: Required value: must specify a metric name",
        ),
        (metric("Pods", "pods", metric=NAMED, target=WHOLE), "must specify a positive target averageValue"),
        (
            metric("Pods", "pods", metric=NAMED, target=EACH | {"averageValue": "0"}),
            'target.averageValue: Invalid value: "0": must be positive',
        ),
        (
            metric("External", "external", metric=NAMED, target={"type": "Value"}),
            "must set either a target value for metric",
        ),
        (
            metric("External", "external", metric=NAMED, target=WHOLE | {"averageValue": "1"}),
            "may not set both a target value",
        ),
        (
            metric("Pods", "pods", metric=NAMED, target=EACH | {"type": "Odd"}),
            'target.type: Invalid value: "Odd": must be either Utilization, Value, or AverageValue',
        ),
    ],
)
def test_a_bad_autoscaler_is_told_by_path_and_rule(found: Found, spec: dict[str, Any], told: str) -> None:
    (line,) = found(made(spec))
    assert told in line


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"currentReplicas": -1}, "status.currentReplicas: Invalid value: -1"),
        ({"desiredReplicas": -1}, "status.desiredReplicas: Invalid value: -1"),
    ],
)
def test_counts_of_a_status_are_not_negative(status: dict[str, Any], told: str) -> None:
    kind = builtin_kinds.named("HorizontalPodAutoscaler")
    item = sample_objects.sample(kind, {"metadata": {"uid": "u"}, "status": status})
    (cause,) = validate_status_update(item, item)
    assert told in str(cause)
