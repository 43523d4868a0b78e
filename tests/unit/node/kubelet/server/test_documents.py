"""The pages that a kubelet answers, on a runtime in memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import orjson
import pytest
from podlab_testing.kubelet_pods import make_pod
from podlab_testing.memory_node import MemoryRuntime

from node.kubelet.cri.runtime import POD_NAME, POD_NAMESPACE, POD_UID
from node.kubelet.figures import KubeletFigures
from node.kubelet.nodestatus.cgroups import GroupUse, Stall
from node.kubelet.nodestatus.measurement import Interface, NodeReading, Surveyor
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.server import metrics_pages
from node.kubelet.server.documents import Documents
from node.kubelet.server.summary import summary
from node.kubelet.settings import KubeletSettings
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.stats.use import VolumeUse
from node.kubelet.volume.stats.volume_stats import VolumeReading, VolumeStats
from node.kubelet.volume.volume_manager import VolumeManager
from podlab.client.absent import AbsentServer
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.tls import Tls

POD = make_pod(status={"phase": "Running", "startTime": "2026-11-30T10:00:00Z"})
SETTINGS = KubeletSettings("n1", "192.0.2.7", "192.0.2.1:7443", Tls(Path("ca"), Path("crt"), Path("key")))


@pytest.fixture
async def documents(tmp_path: Path) -> Documents:
    runtime = MemoryRuntime(files=tmp_path)
    labels = {POD_UID: "u1", POD_NAMESPACE: "default", POD_NAME: "a"}
    sandbox = await runtime.run_sandbox(cri.PodSandboxConfig(labels=labels), "")
    config = cri.ContainerConfig(metadata=cri.ContainerMetadata(name="web"), image=cri.ImageSpec(image="i:1"))
    await runtime.start_container(await runtime.create_container(sandbox, config, cri.PodSandboxConfig()))
    figures = KubeletFigures()
    figures.probes.add("Readiness", "successful", "web", "a", "default", "u1")

    def pods() -> list[pod_pb2.Pod]:
        return [POD]

    client = AbsentServer()
    claims = ClaimReader(client, LocalPathManager(client, "n1", tmp_path))
    volumes = VolumeStats(VolumeManager(tmp_path), claims, CsiDrivers(client, "n1"), tmp_path)
    surveyor = Surveyor("n1", tmp_path, runtime, StatsProvider(runtime, "n1"), pods)
    return Documents(SETTINGS, surveyor, volumes, figures, pods)


@pytest.fixture
async def reading(documents: Documents) -> NodeReading:
    """As measured, and with figures of a container that the kernel of this machine does not have."""
    node = await documents.surveyor.measure()
    (pod,) = node.pods
    use = GroupUse(cpu_ns=2_000_000_000, working_set_bytes=4096, stalls={"cpu": {"some": Stall(1, 2, 3, 5_000_000)}})
    container = dataclasses.replace(pod.containers[0], use=use, cpu_nanocores=7)
    interface = Interface("eth0", 1, 2, 3, 4, 5, 6, 7, 8)
    return dataclasses.replace(node, pods=(dataclasses.replace(pod, containers=(container,), interfaces=(interface,)),))


async def _json(documents: Documents, path: str) -> Any:
    found = await documents.read(path)
    assert found is not None
    assert found.content_type == "application/json"
    return orjson.loads(found.body)


async def _lines(documents: Documents, path: str) -> list[str]:
    found = await documents.read(path)
    assert found is not None
    assert found.content_type.startswith("text/plain; version=0.0.4")
    return found.body.decode().splitlines()


async def test_the_kubelet_s_own_page_has_the_names_of_dashboards(documents: Documents) -> None:
    lines = await _lines(documents, "/metrics")
    assert 'kubelet_node_name{node="n1"} 1' in lines
    assert "kubelet_running_pods 1" in lines
    assert 'kubelet_running_containers{container_state="running"} 1' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


async def test_the_page_of_probes_counts_results(documents: Documents) -> None:
    lines = await _lines(documents, "metrics/probes")
    assert lines[-1] == (
        'prober_probe_total{probe_type="Readiness",result="successful",container="web",pod="a",namespace="default",'
        'pod_uid="u1"} 1'
    )


async def test_pods_are_those_bound_and_those_that_run(documents: Documents) -> None:
    assert [each["metadata"]["name"] for each in (await _json(documents, "pods"))["items"]] == ["a"]
    (running,) = (await _json(documents, "runningpods/"))["items"]
    assert running["spec"]["containers"] == [{"name": "web", "image": "i:1"}]


async def test_the_settings_are_told_and_no_key(documents: Documents) -> None:
    told = (await _json(documents, "configz"))["kubeletconfig"]
    assert told["eviction"]["hard"]["memory.available"] == "100Mi"
    assert told["tls"]["key"] == "key", "where it is, and not what it is"


async def test_what_there_is_not_is_none(documents: Documents) -> None:
    assert await documents.read("/exec/default/a/web") is None
    assert (await documents.read("healthz")) is not None


def test_the_summary_has_kubernetes_form(reading: NodeReading) -> None:
    told: Any = orjson.loads(orjson.dumps(summary(reading, {})))
    assert told["node"]["nodeName"] == "n1"
    assert told["node"]["memory"]["workingSetBytes"] > 0
    assert told["node"]["runtime"]["imageFs"]["capacityBytes"] > 0
    (pod,) = told["pods"]
    assert pod["podRef"] == {"name": "a", "namespace": "default", "uid": "u1"}
    assert pod["startTime"] == "2026-11-30T10:00:00Z"
    assert pod["network"]["rxBytes"] == 1
    (container,) = pod["containers"]
    assert container["cpu"]["usageNanoCores"] == 7
    assert container["cpu"]["usageCoreNanoSeconds"] == 2_000_000_000
    assert container["cpu"]["psi"]["some"] == {"total": 5_000_000_000, "avg10": 1, "avg60": 2, "avg300": 3}
    assert container["memory"]["workingSetBytes"] == pod["memory"]["workingSetBytes"] == 4096


def test_the_pages_of_use_have_kubernetes_names_and_labels(reading: NodeReading) -> None:
    found = {each.name: list(each.samples) for each in metrics_pages.resource(reading)}
    assert found["container_cpu_usage_seconds_total"][0].value == 2.0
    assert found["container_cpu_usage_seconds_total"][0].labels == {
        "container": "web",
        "namespace": "default",
        "pod": "a",
    }
    assert found["pod_memory_working_set_bytes"][0].value == 4096
    found = {each.name: list(each.samples) for each in metrics_pages.cadvisor(reading, 4)}
    assert found["container_network_transmit_bytes_total"][0].labels == {
        "interface": "eth0", "namespace": "default", "pod": "a",
    }  # fmt: skip
    assert found["container_pressure_cpu_waiting_seconds_total"][0].value == 5.0
    assert found["container_cpu_usage_seconds_total"][0].labels["image"] == "i:1"
    assert found["machine_cpu_cores"][0].value == 4


def test_the_summary_tells_how_full_volumes_are(reading: NodeReading) -> None:
    data = VolumeReading("data", "c", False, VolumeUse(1_000_000_000, 10, 7, 3, 20, 15, 5, abnormal=True))
    cache = VolumeReading("cache", "", True, VolumeUse(1_000_000_000, used=5000))
    told: Any = orjson.loads(orjson.dumps(summary(reading, {"u1": (data, cache)})))
    of_claim, own = told["pods"][0]["volume"]
    assert of_claim == {
        "time": "1970-01-01T00:00:01Z", "availableBytes": 7, "capacityBytes": 10, "usedBytes": 3, "inodesFree": 15,
        "inodes": 20, "inodesUsed": 5, "name": "data", "pvcRef": {"name": "c", "namespace": "default"},
        "volumeHealthStats": {"abnormal": True},
    }  # fmt: skip
    assert own["name"] == "cache"
    assert "pvcRef" not in own
    assert told["pods"][0]["ephemeral-storage"]["usedBytes"] == 5000


def test_claims_are_told_once_by_kubernetes_names(reading: NodeReading) -> None:
    data = VolumeReading("data", "c", False, VolumeUse(1, 10, 7, 3, 20, 15, 5, abnormal=True))
    own = VolumeReading("cache", "", True, VolumeUse(1, used=5000))
    shared = dataclasses.replace(reading, pods=reading.pods * 2)
    pages = metrics_pages.kubelet(shared, 1, {"u1": (data, own)}, [])
    found = {each.name: list(each.samples) for each in pages if each.name.startswith("kubelet_volume_stats_")}
    labels = {"namespace": "default", "persistentvolumeclaim": "c"}
    assert all([sample.labels for sample in samples] == [labels] for samples in found.values())
    figures = {name.removeprefix("kubelet_volume_stats_"): samples[0].value for name, samples in found.items()}
    assert figures == {
        "capacity_bytes": 10, "available_bytes": 7, "used_bytes": 3, "inodes": 20, "inodes_free": 15,
        "inodes_used": 5, "health_status_abnormal": 1,
    }  # fmt: skip
