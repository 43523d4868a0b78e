"""What is said in the name of kubelets."""

from __future__ import annotations

from master.apiserver.rest.proxy import kubelet_endpoints
from podlab.v1.kubelet_pb2 import ContainerUsage, PodUsage, StatsResponse

STATS = StatsResponse(
    node_name="n1",
    cpu_nanocores=500,
    memory_working_set_bytes=9000,
    time_ns=1_700_000_000_900_000_000,
    pods=[
        PodUsage(
            namespace="x",
            name="p",
            uid="u",
            containers=[
                ContainerUsage(name="a", cpu_nanocores=10, memory_working_set_bytes=100),
                ContainerUsage(name="b", cpu_nanocores=20, memory_working_set_bytes=200),
            ],
        ),
        PodUsage(namespace="x", name="idle", uid="v"),
    ],
)
AT = "2023-11-14T22:13:20Z"


def _used(cpu: int, memory: int) -> dict[str, object]:
    return {"cpu": {"time": AT, "usageNanoCores": cpu}, "memory": {"time": AT, "workingSetBytes": memory}}


def test_the_summary_adds_up_what_containers_use() -> None:
    told = kubelet_endpoints.summary(STATS)
    assert told["node"] == {"nodeName": "n1", **_used(500, 9000)}
    assert told["pods"] == [
        {
            "podRef": {"name": "p", "namespace": "x", "uid": "u"},
            "containers": [{"name": "a", **_used(10, 100)}, {"name": "b", **_used(20, 200)}],
            **_used(30, 300),
        },
        {"podRef": {"name": "idle", "namespace": "x", "uid": "v"}, "containers": [], **_used(0, 0)},
    ]


def test_the_metrics_have_kubernetes_names() -> None:
    lines = kubelet_endpoints.metrics(STATS).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'kubelet_node_name{node="n1"} 1.0',
        "kubelet_running_pods 2.0",
        'kubelet_running_containers{container_state="running"} 2.0',
        "node_memory_working_set_bytes 9000.0",
        'pod_memory_working_set_bytes{namespace="x",pod="p"} 300.0',
        'pod_memory_working_set_bytes{namespace="x",pod="idle"} 0.0',
        'container_memory_working_set_bytes{container="a",namespace="x",pod="p"} 100.0',
        'container_memory_working_set_bytes{container="b",namespace="x",pod="p"} 200.0',
    ]
