from collections.abc import Callable
from typing import Any

import pytest

from podlab.apps.v1 import deployment_pb2, replicaset_pb2

Build = Callable[..., deployment_pb2.Deployment]
Found = Callable[..., list[str]]


def number(value: int) -> dict[str, int]:
    return {"intVal": value}


def text(value: str) -> dict[str, object]:
    return {"type": 1, "strVal": value}


def test_a_plain_deployment_is_fine(found: Found, deployment: Build) -> None:
    assert found(deployment()) == []


def test_a_selector_that_does_not_match_the_template_is_told(found: Found, deployment: Build) -> None:
    told = found(deployment(selector={"matchLabels": {"app": "other"}}))
    assert told == [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'
    ]


def test_a_replica_set_is_checked_the_same_way(found: Found, deployment: Build) -> None:
    model = deployment()
    replica_set = replicaset_pb2.ReplicaSet(metadata=model.metadata)
    replica_set.spec.template.CopyFrom(model.spec.template)
    replica_set.spec.replicas = -1
    told = [line.partition(":")[0] for line in found(replica_set)]
    assert told == ["spec.selector", "spec.template.metadata.labels", "spec.replicas"]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"selector": {}}, "spec.selector: Required value: empty selector is invalid"),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["w"]}]}},
            'spec.selector.matchExpressions[0].operator: Unsupported value: "Like"',
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
            "spec.selector.matchExpressions[0].values: Required value",
        ),
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"progressDeadlineSeconds": 5, "minReadySeconds": 5}, "must be greater than minReadySeconds"),
        ({"strategy": {"type": "Wave"}}, 'spec.strategy.type: Unsupported value: "Wave"'),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": number(0), "maxUnavailable": text("0%")}}},
            'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": text("half")}}},
            'spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": a valid percent string',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": text("101%")}}},
            "must not be greater than 100%",
        ),
    ],
)
def test_a_bad_deployment_is_told_by_path_and_rule(
    found: Found, deployment: Build, spec: dict[str, Any], told: str
) -> None:
    lines = found(deployment(**spec))
    assert len(lines) == 1
    assert told in lines[0]


def test_a_template_is_checked_as_a_pod_and_must_restart_for_ever(found: Found, deployment: Build) -> None:
    bad = deployment()
    bad.spec.template.spec.restartPolicy = "Never"
    bad.spec.template.spec.containers[0].image = ""
    assert found(bad) == [
        "spec.template.spec.containers[0].image: Required value",
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]


def test_the_selector_stays_and_the_template_may_change(found: Found, deployment: Build) -> None:
    new = deployment()
    new.spec.template.metadata.labels["tier"] = "front"
    assert found(new, deployment()) == []
    new.spec.selector.matchLabels["tier"] = "front"
    assert found(new, deployment()) == [
        'spec.selector: Invalid value: {"app":"web","tier":"front"}: field is immutable'
    ]
