"""The binary form of the kinds outside core is Kubernetes' own: put together from the field numbers that it publishes.

The numbers stand here a second time on purpose: a field that is renumbered, or changes its type, fails.
"""

from collections.abc import Callable

import pytest
from podlab_testing.wire_format import TIME, TIME_JSON, Case, assert_same, blob, metadata, number, pair

from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import Status

SELECTOR = blob(2, pair(1, "app", "web"), blob(2, blob(1, "tier"), blob(2, "In"), blob(3, "a"), blob(3, "b")))
SELECTOR_JSON = {
    "matchLabels": {"app": "web"},
    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
}
TEMPLATE = blob(3, blob(1, pair(11, "app", "web")), blob(2, blob(2, blob(1, "c"), blob(2, "hello:1"))))
TEMPLATE_JSON = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "hello:1", "resources": {}}]},
}


def deployment_case() -> Case:
    rolling = blob(2, blob(1, number(1, 1), blob(3, "25%")), blob(2, number(2, 1)))
    spec = blob(
        2,
        number(1, 3),
        SELECTOR,
        TEMPLATE,
        blob(4, blob(1, "RollingUpdate"), rolling),
        number(5, 4),
        number(6, 10),
        number(7, 1),
        number(9, 600),
    )
    condition = blob(6, blob(1, "Available"), blob(2, "True"), blob(4, "R"), blob(5, "m"), blob(6, TIME), blob(7, TIME))
    counts = b"".join(number(field, field) for field in range(1, 6))
    return (
        Deployment,
        metadata("web") + spec + blob(3, counts, condition, number(7, 7), number(8, 0)),
        {
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 3,
                "selector": SELECTOR_JSON,
                "template": TEMPLATE_JSON,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1}},
                "minReadySeconds": 4,
                "revisionHistoryLimit": 10,
                "paused": True,
                "progressDeadlineSeconds": 600,
            },
            "status": {
                "observedGeneration": 1,
                "replicas": 2,
                "updatedReplicas": 3,
                "availableReplicas": 4,
                "unavailableReplicas": 5,
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True",
                        "reason": "R",
                        "message": "m",
                        "lastUpdateTime": TIME_JSON,
                        "lastTransitionTime": TIME_JSON,
                    }
                ],
                "readyReplicas": 7,
                "collisionCount": 0,
            },
        },
    )


def replicaset_case() -> Case:
    counts = b"".join(number(field, field) for field in range(1, 6))
    condition = blob(6, blob(1, "ReplicaFailure"), blob(2, "True"), blob(3, TIME), blob(4, "R"), blob(5, "m"))
    return (
        ReplicaSet,
        metadata("rs") + blob(2, number(1, 3), SELECTOR, TEMPLATE, number(4, 5)) + blob(3, counts, condition),
        {
            "metadata": {"name": "rs"},
            "spec": {"replicas": 3, "selector": SELECTOR_JSON, "template": TEMPLATE_JSON, "minReadySeconds": 5},
            "status": {
                "replicas": 1,
                "fullyLabeledReplicas": 2,
                "observedGeneration": 3,
                "readyReplicas": 4,
                "availableReplicas": 5,
                "conditions": [
                    {
                        "type": "ReplicaFailure",
                        "status": "True",
                        "lastTransitionTime": TIME_JSON,
                        "reason": "R",
                        "message": "m",
                    }
                ],
            },
        },
    )


def slice_case() -> Case:
    endpoint = blob(
        2,
        blob(1, "10.1.0.1"),
        blob(2, number(1, 0), number(2, 1), number(3, 1)),
        blob(3, "h"),
        blob(4, blob(1, "Pod"), blob(3, "p")),
        blob(6, "n1"),
    )
    port = blob(3, blob(1, ""), blob(2, "TCP"), number(3, 8080), blob(4, "http"))
    return (
        EndpointSlice,
        metadata("web-1") + endpoint + port + blob(4, "IPv4"),
        {
            "metadata": {"name": "web-1"},
            "endpoints": [
                {
                    "addresses": ["10.1.0.1"],
                    "conditions": {"ready": False, "serving": True, "terminating": True},
                    "hostname": "h",
                    "targetRef": {"kind": "Pod", "name": "p"},
                    "nodeName": "n1",
                }
            ],
            "ports": [{"name": "", "protocol": "TCP", "port": 8080, "appProtocol": "http"}],
            "addressType": "IPv4",
        },
    )


def lease_case() -> Case:
    return (
        Lease,
        metadata("n1") + blob(2, blob(1, "n1"), number(2, 40), blob(3, TIME), blob(4, TIME), number(5, 0)),
        {
            "metadata": {"name": "n1"},
            "spec": {
                "holderIdentity": "n1",
                "leaseDurationSeconds": 40,
                "acquireTime": "2023-11-14T22:13:20.000000Z",
                "renewTime": "2023-11-14T22:13:20.000000Z",
                "leaseTransitions": 0,
            },
        },
    )


@pytest.mark.parametrize("case", [deployment_case, replicaset_case, slice_case, lease_case])
def test_a_kind_of_another_group_reads_from_and_writes_to_kubernetes_bytes(case: Callable[[], Case]) -> None:
    assert_same(*case())


def test_a_refusal_reads_from_kubernetes_bytes() -> None:
    cause = blob(4, blob(1, "FieldValueInvalid"), blob(2, "bad"), blob(3, "spec.x"))
    details = blob(5, blob(1, "web"), blob(2, "apps"), blob(3, "deployments"), cause, number(5, 2), blob(6, "u-1"))
    wire = blob(1, blob(2, "9")) + blob(2, "Failure") + blob(3, "m") + blob(4, "Invalid") + details + number(6, 422)
    status = Status.FromString(wire)
    assert (status.metadata.resourceVersion, status.status, status.message) == ("9", "Failure", "m")
    assert (status.reason, status.code) == ("Invalid", 422)
    found = status.details
    assert (found.name, found.group, found.kind, found.uid) == ("web", "apps", "deployments", "u-1")
    assert (found.causes[0].reason, found.causes[0].message, found.causes[0].field) == (
        "FieldValueInvalid",
        "bad",
        "spec.x",
    )
    assert found.retryAfterSeconds == 2
    assert status.SerializeToString(deterministic=True) == wire
