"""The binary form of each core kind is Kubernetes' own: objects put together from the field numbers that it publishes.

The numbers stand here a second time on purpose: a field that is renumbered, or changes its type, fails.
Pods have a file of their own, test_wire_pod.py; the other groups are in test_wire_groups.py.
"""

from collections.abc import Callable

import pytest
from podlab_testing.wire_format import TIME, TIME_JSON, Case, assert_same, blob, metadata, number, pair

from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service


def namespace_case() -> Case:
    meta = metadata(
        "web",
        blob(2, "we"),
        blob(3, "in"),
        blob(5, "u-1"),
        blob(6, "12"),
        number(7, 3),
        blob(8, TIME),
        blob(9, TIME),
        number(10, 30),
        pair(11, "l", "1"),
        pair(12, "a", "2"),
        blob(13, blob(1, "ReplicaSet"), blob(3, "rs"), blob(4, "u-2"), blob(5, "apps/v1"), number(6, 1), number(7, 0)),
        blob(14, "orphan"),
    )
    condition = blob(2, blob(1, "Full"), blob(2, "True"), blob(4, TIME), blob(5, "R"), blob(6, "m"))
    return (
        Namespace,
        meta + blob(2, blob(1, "kubernetes")) + blob(3, blob(1, "Active"), condition),
        {
            "metadata": {
                "name": "web",
                "generateName": "we",
                "namespace": "in",
                "uid": "u-1",
                "resourceVersion": "12",
                "generation": 3,
                "creationTimestamp": TIME_JSON,
                "deletionTimestamp": TIME_JSON,
                "deletionGracePeriodSeconds": 30,
                "labels": {"l": "1"},
                "annotations": {"a": "2"},
                "ownerReferences": [
                    {
                        "kind": "ReplicaSet",
                        "name": "rs",
                        "uid": "u-2",
                        "apiVersion": "apps/v1",
                        "controller": True,
                        "blockOwnerDeletion": False,
                    }
                ],
                "finalizers": ["orphan"],
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {
                "phase": "Active",
                "conditions": [
                    {
                        "type": "Full",
                        "status": "True",
                        "lastTransitionTime": TIME_JSON,
                        "reason": "R",
                        "message": "m",
                    }
                ],
            },
        },
    )


def node_case() -> Case:
    spec = blob(2, blob(1, "10.1.0.0/24"), number(4, 1), blob(5, blob(1, "k"), blob(3, "NoExecute"), blob(4, TIME)))
    info = [blob(field, f"i{field}") for field in range(1, 11)]
    names = (
        "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion "
        "operatingSystem architecture"
    )
    status = blob(
        3,
        pair(1, "cpu", blob(1, "2")),
        pair(2, "pods", blob(1, "110")),
        blob(4, blob(1, "Ready"), blob(2, "True"), blob(3, TIME), blob(4, TIME), blob(5, "R"), blob(6, "m")),
        blob(5, blob(1, "InternalIP"), blob(2, "10.0.0.1")),
        blob(6, blob(1, number(1, 7450))),
        blob(7, *info),
        blob(8, blob(1, "hello:1"), number(2, 1000)),
    )
    return (
        Node,
        metadata("n1") + spec + status,
        {
            "metadata": {"name": "n1"},
            "spec": {
                "podCIDR": "10.1.0.0/24",
                "unschedulable": True,
                "taints": [{"key": "k", "effect": "NoExecute", "timeAdded": TIME_JSON}],
            },
            "status": {
                "capacity": {"cpu": "2"},
                "allocatable": {"pods": "110"},
                "conditions": [
                    {
                        "type": "Ready",
                        "status": "True",
                        "lastHeartbeatTime": TIME_JSON,
                        "lastTransitionTime": TIME_JSON,
                        "reason": "R",
                        "message": "m",
                    }
                ],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 7450}},
                "nodeInfo": {name: f"i{at}" for at, name in enumerate(names.split(), start=1)},
                "images": [{"names": ["hello:1"], "sizeBytes": 1000}],
            },
        },
    )


def service_case() -> Case:
    port = blob(1, blob(1, "http"), blob(2, "TCP"), number(3, 80), blob(4, number(2, 8080)), number(5, 30080))
    spec = blob(
        2,
        port,
        pair(2, "app", "web"),
        blob(3, "10.96.0.9"),
        blob(4, "NodePort"),
        blob(7, "ClientIP"),
        blob(11, "Local"),
        number(13, 1),
        blob(14, blob(1, number(1, 600))),
        blob(17, "SingleStack"),
        blob(18, "10.96.0.9"),
        blob(19, "IPv4"),
        blob(22, "Cluster"),
    )
    return (
        Service,
        metadata("web") + spec,
        {
            "metadata": {"name": "web"},
            "spec": {
                "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30080}],
                "selector": {"app": "web"},
                "clusterIP": "10.96.0.9",
                "type": "NodePort",
                "sessionAffinity": "ClientIP",
                "externalTrafficPolicy": "Local",
                "publishNotReadyAddresses": True,
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}},
                "ipFamilyPolicy": "SingleStack",
                "clusterIPs": ["10.96.0.9"],
                "ipFamilies": ["IPv4"],
                "internalTrafficPolicy": "Cluster",
            },
            "status": {"loadBalancer": {}},
        },
    )


def config_case() -> Case:
    return (
        ConfigMap,
        metadata("c") + pair(2, "k", "v") + pair(3, "b", b"\x00\xff") + number(4, 1),
        {"metadata": {"name": "c"}, "data": {"k": "v"}, "binaryData": {"b": "AP8="}, "immutable": True},
    )


def secret_case() -> Case:
    return (
        Secret,
        metadata("s") + pair(2, "k", b"v") + blob(3, "Opaque") + pair(4, "t", "u") + number(5, 0),
        {
            "metadata": {"name": "s"},
            "data": {"k": "dg=="},
            "type": "Opaque",
            "stringData": {"t": "u"},
            "immutable": False,
        },
    )


def event_case() -> Case:
    about = blob(2, *(blob(field, f"o{field}") for field in range(1, 8)))
    rest = blob(5, blob(1, "scheduler"), blob(2, "m1")) + blob(6, TIME) + blob(7, TIME) + number(8, 4)
    series = blob(11, number(1, 2), blob(2, TIME))
    told = blob(9, "Warning") + blob(10, TIME + number(2, 5000)) + series + blob(12, "Bind")
    return (
        Event,
        metadata("e") + about + blob(3, "R") + blob(4, "m") + rest + told + blob(14, "c") + blob(15, "i"),
        {
            "metadata": {"name": "e"},
            "involvedObject": {
                "kind": "o1",
                "namespace": "o2",
                "name": "o3",
                "uid": "o4",
                "apiVersion": "o5",
                "resourceVersion": "o6",
                "fieldPath": "o7",
            },
            "reason": "R",
            "message": "m",
            "source": {"component": "scheduler", "host": "m1"},
            "firstTimestamp": TIME_JSON,
            "lastTimestamp": TIME_JSON,
            "count": 4,
            "type": "Warning",
            "eventTime": "2023-11-14T22:13:20.000005Z",
            "series": {"count": 2, "lastObservedTime": "2023-11-14T22:13:20.000000Z"},
            "action": "Bind",
            "reportingComponent": "c",
            "reportingInstance": "i",
        },
    )


@pytest.mark.parametrize("case", [namespace_case, node_case, service_case, config_case, secret_case, event_case])
def test_a_core_kind_reads_from_and_writes_to_kubernetes_bytes(case: Callable[[], Case]) -> None:
    assert_same(*case())
