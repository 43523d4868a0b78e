"""Described objects, kind by kind."""

from datetime import UTC, datetime
from typing import Any

import pytest
from podlab_testing import builtin_kinds

from podlab.api.kinds import Kind
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related
from podlab.cli.describe.command import text
from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.storage.v1.csi_pb2 import CSINode

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
AT = {"seconds": int(NOW.timestamp()) - 60}


def lines(obj: Any, **related: Any) -> list[str]:
    return text(obj, Related(NOW, **related)).splitlines()


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
def test_every_kind_is_described_even_when_it_is_empty(kind: Kind) -> None:
    assert any(line.startswith("Name:") for line in lines(kind.message()))


def test_a_kind_without_words_of_its_own_is_described_by_its_fields() -> None:
    node = CSINode(
        metadata={"name": "n1"}, spec={"drivers": [{"name": "d", "nodeID": "x", "topologyKeys": ["a", "b"]}]}
    )
    told = lines(node)
    assert told[told.index("Spec:") :][:7] == [
        "Spec:",
        "  Drivers:",
        "    0:",
        "      Name:          d",
        "      NodeID:        x",
        "      TopologyKeys:  a",
        "                     b",
    ]


def test_values_of_one_level_begin_in_one_column() -> None:
    fields = [
        layout.field("A", "1"),
        layout.field("Long", ["x", "y"]),
        layout.field("None", []),
        layout.group("Group", [layout.field("Inner", "z"), layout.block("Text", "a\n b")]),
        layout.table("Rows", ["H", "Other"], [["1", "2"]]),
    ]
    assert layout.render(fields) == [
        "A:     1",
        "Long:  x",
        "       y",
        "None:  <none>",
        "Group:",
        "  Inner:  z",
        "  Text:",
        "    a",
        "     b",
        "Rows:",
        "  H   Other",
        "  -   -----",
        "  1   2",
    ]


def test_a_pod_tells_state_probes_environment_volumes_and_events() -> None:
    pod = Pod(
        metadata={"name": "web", "namespace": "default", "annotations": {"a": "b"}},
        spec={
            "nodeName": "n1",
            "containers": [
                {
                    "name": "c",
                    "image": "i:1",
                    "command": ["run"],
                    "env": [
                        {"name": "A", "value": "1"},
                        {
                            "name": "S",
                            "valueFrom": {"secretKeyRef": {"localObjectReference": {"name": "s"}, "key": "k"}},
                        },
                    ],
                    "livenessProbe": {"handler": {"exec": {"command": ["true"]}}, "periodSeconds": 10},
                    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
                }
            ],
            "volumes": [{"name": "v", "volumeSource": {"emptyDir": {"medium": "Memory"}}}],
            "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
        },
        status={
            "hostIP": "10.0.0.1",
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "c",
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": AT}},
                    "restartCount": 2,
                }
            ],
        },
    )
    event = Event(type="Warning", reason="BackOff", message="back-off", count=4, firstTimestamp=AT, lastTimestamp=AT)
    found = [line.strip() for line in lines(pod, events=[event])]
    for line in (
        "Node:            n1/10.0.0.1",
        "Status:          CrashLoopBackOff",
        "Reason: CrashLoopBackOff",
        "Exit Code: 3",
        "Restart Count:  2",
        "Liveness:       exec [true] delay=0s timeout=0s period=10s #success=0 #failure=0",
        "Environment:    A: 1",
        "S: <set to the key 'k' in secret 's'>",
        "Mounts:         /v from v (ro)",
        "v:  EmptyDir Memory",
        "Tolerations:     k:NoExecute op=Exists for 5s",
        "Warning   BackOff   60s (x4 over 60s)          back-off",
    ):
        assert line in found


def test_a_node_sums_what_its_pods_ask_for() -> None:
    node = Node(metadata={"name": "n1"}, status={"allocatable": {"cpu": {"string": "2"}, "memory": {"string": "1Gi"}}})

    def pod(name: str, cpu: str, init: str = "0", phase: str = "Running") -> Pod:
        def container(amount: str) -> dict[str, Any]:
            return {"name": "c", "resources": {"requests": {"cpu": {"string": amount}}}}

        spec = {"containers": [container(cpu)], "initContainers": [container(init)]}
        return Pod(metadata={"name": name, "namespace": "default"}, spec=spec, status={"phase": phase})

    found = [
        line.split() for line in lines(node, pods=[pod("a", "500m"), pod("b", "0", "1"), pod("c", "1", phase="Failed")])
    ]
    assert ["cpu", "1500m", "(75%)", "0", "(0%)"] in found
    assert ["default", "b", "1", "0", "0", "0", "<unknown>"] in found
    assert not any("c" in line[1:2] for line in found)


def test_a_deployment_names_its_old_and_new_replica_sets() -> None:
    deployment = Deployment(
        metadata={"name": "web", "uid": "u", "annotations": {"deployment.kubernetes.io/revision": "2"}}
    )

    def replica_set(name: str, revision: str, replicas: int) -> ReplicaSet:
        return ReplicaSet(
            metadata={
                "name": name,
                "annotations": {"deployment.kubernetes.io/revision": revision},
                "ownerReferences": [{"uid": "u", "controller": True}],
            },
            spec={"replicas": replicas},
            status={"replicas": replicas},
        )

    sets = [replica_set("web-0", "0", 0), replica_set("web-1", "1", 1), replica_set("web-2", "2", 2)]
    found = [line.split(maxsplit=1) for line in lines(deployment, replica_sets=sets)]
    assert ["OldReplicaSets:", "web-1 (1/1 replicas created)"] in found
    assert ["NewReplicaSet:", "web-2 (2/2 replicas created)"] in found


def test_a_service_lists_the_ready_endpoints_of_each_port() -> None:
    service = Service(spec={"ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": {"intVal": 8080}}]})
    slices = EndpointSlice(
        ports=[{"name": "http", "port": 8080}],
        endpoints=[
            {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        ],
    )
    found = lines(service, slices=[slices])
    assert "Endpoints:         10.0.0.1:8080" in found


def test_a_secret_keeps_its_values_to_itself() -> None:
    assert "  password:  6 bytes" in lines(Secret(data={"password": b"hunter"}))
    assert lines(ConfigMap(data={"f": "one\ntwo"}))[5:9] == ["Data:", "  f:", "    one", "    two"]
