from typing import Any

import pytest
from podlab_testing import builtin_kinds, sample_objects

from podlab.api import kinds
from podlab.api.conversion import versions
from podlab.api.serializer import codec
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as v1
from podlab.errors import BadRequest

V2 = builtin_kinds.named("HorizontalPodAutoscaler")
V1 = kinds.of(v1.HorizontalPodAutoscaler)
PREFIX = "autoscaling.alpha.kubernetes.io"
SHARE = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
OTHERS = [
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
    {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
    {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "5"}}},
]
WHOLE = {
    "metadata": {"annotations": {"mine": "kept"}},
    "spec": {
        "minReplicas": 2,
        "metrics": [SHARE, *OTHERS],
        "behavior": {
            "scaleDown": {"selectPolicy": "Min", "policies": [{"type": "Pods", "value": 1, "periodSeconds": 9}]}
        },
    },
    "status": {
        "observedGeneration": 3,
        "lastScaleTime": "2030-01-01T00:00:00Z",
        "currentReplicas": 2,
        "desiredReplicas": 3,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 70}}}],
        "conditions": [{"type": "AbleToScale", "status": "True", "lastTransitionTime": "2030-01-01T00:00:00Z"}],
    },
}


def test_the_first_version_says_the_cpu_in_its_own_fields_and_all_else_in_annotations() -> None:
    shown = codec.to_dict(versions.shown(sample_objects.sample(V2, WHOLE), V1))
    assert shown["apiVersion"] == "autoscaling/v1"
    assert shown["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 60,
    }
    assert shown["status"]["currentCPUUtilizationPercentage"] == 70
    assert set(shown["metadata"]["annotations"]) == {
        "mine",
        *(f"{PREFIX}/{name}" for name in ("metrics", "current-metrics", "conditions", "behavior")),
    }


@pytest.mark.parametrize("changes", [{}, {"spec": {"metrics": OTHERS}}, WHOLE])
def test_there_and_back_nothing_is_lost(changes: dict[str, Any]) -> None:
    item = sample_objects.sample(V2, changes)
    assert versions.stored(versions.shown(item, V1)) == item


def test_a_share_of_the_cpu_becomes_a_metric() -> None:
    spec = {"targetCPUUtilizationPercentage": 60}
    item: Any = versions.stored(sample_objects.sample(V1, {"apiVersion": "autoscaling/v1", "spec": spec}))
    assert codec.part_to_dict(item)["spec"]["metrics"] == [SHARE]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"type": 1}]', '{"unheard": "of"}'])
def test_an_annotation_that_makes_no_sense_is_refused_by_name(text: str) -> None:
    changes = {"apiVersion": "autoscaling/v1", "metadata": {"annotations": {f"{PREFIX}/metrics": text}}}
    with pytest.raises(BadRequest, match=rf"metadata.annotations\[{PREFIX}/metrics\]"):
        versions.stored(sample_objects.sample(V1, changes))


def test_a_manifest_of_the_first_version_is_read_as_what_is_stored() -> None:
    item = sample_objects.sample(V2, namespace="default")
    written = codec.to_dict(versions.shown(item, V1))
    assert written["apiVersion"] == "autoscaling/v1"
    assert versions.stored(builtin_kinds.read(written)) == item
