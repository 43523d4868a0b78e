"""The node's status, from what it saw of itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import Json

from node.kubelet.cri.runtime import Image, RuntimeHandler, RuntimeReadiness
from node.kubelet.nodestatus.node_status import (
    NodeObservation,
    allocatable,
    capacity,
    differ_only_in_heartbeats,
    new_node,
    node_status,
)
from node.kubelet.settings import CapacitySettings, KubeletSettings, TaintSettings
from podlab.api.objects import condition
from podlab.core.v1 import node_pb2
from podlab.tls import Tls


@pytest.fixture
def settings(tmp_path: Path) -> KubeletSettings:
    tls = Tls(tmp_path / "ca", tmp_path / "crt", tmp_path / "key")
    return KubeletSettings(
        "n1", "192.0.2.7", "192.0.2.1:7443", tls, root_dir=tmp_path, capacity=CapacitySettings("2", "4Gi"),
        labels={"disk": "ssd"}, taints=(TaintSettings("only", "NoSchedule"),),
    )  # fmt: skip


def _observation(**more: object) -> NodeObservation:
    values: Json = {
        "readiness": RuntimeReadiness(True, True),
        "network_ready": True,
        "network_reason": "",
        "pressures": frozenset(),
        "images": (Image("1", ("small",), 1), Image("2", ("large",), 9)),
        "info": node_pb2.NodeSystemInfo(machineID="m"),
    }
    return NodeObservation(**{**values, **more})


def _status(
    settings: KubeletSettings, observation: NodeObservation, before: node_pb2.NodeStatus | None = None
) -> node_pb2.NodeStatus:
    return node_status(
        settings, capacity(settings), allocatable(settings), before or node_pb2.NodeStatus(), observation
    )


def _verdict(status: node_pb2.NodeStatus, name: str) -> tuple[str, str, str]:
    found = condition(status.conditions, name)
    assert found is not None
    return found.status, found.reason, found.message


def test_a_sound_node_is_ready_and_offers_what_was_declared(settings: KubeletSettings) -> None:
    status = _status(settings, _observation())
    assert _verdict(status, "Ready")[:2] == ("True", "KubeletReady")
    assert _verdict(status, "MemoryPressure")[:2] == ("False", "KubeletHasSufficientMemory")
    assert {name: amount.string for name, amount in status.capacity.items() if name != "ephemeral-storage"} == {
        "cpu": "2", "memory": "4Gi", "pods": "110"
    }  # fmt: skip
    assert [(each.type, each.address) for each in status.addresses] == [("InternalIP", "192.0.2.7"), ("Hostname", "n1")]
    assert [list(image.names) for image in status.images] == [["large"], ["small"]]
    assert status.daemonEndpoints.kubeletEndpoint.Port == 10250


def test_a_runtime_that_says_what_it_can_do_is_told_of(settings: KubeletSettings) -> None:
    assert not _status(settings, _observation()).HasField("features")
    told = _status(settings, _observation(readiness=RuntimeReadiness(True, True, strict_groups=True)))
    assert told.features.supplementalGroupsPolicy


def test_the_runtimes_handlers_are_told_with_what_they_can_do(settings: KubeletSettings) -> None:
    handlers = (RuntimeHandler("", True, False), RuntimeHandler("crun"))
    told = _status(settings, _observation(readiness=RuntimeReadiness(True, True, handlers=handlers)))
    assert [each.name for each in told.runtimeHandlers] == ["", "crun"]
    features = told.runtimeHandlers[0].features
    assert (features.recursiveReadOnlyMounts, features.userNamespaces) == (True, False)
    assert not told.runtimeHandlers[1].HasField("features")


def test_what_is_not_ready_is_named(settings: KubeletSettings) -> None:
    observation = _observation(
        readiness=RuntimeReadiness(True, False, "NetworkReady is false"),
        network_ready=False,
        network_reason="no podCIDR",
    )
    assert _verdict(_status(settings, observation), "Ready") == (
        "False", "KubeletNotReady", "NetworkReady is false; pod network is not ready: no podCIDR"
    )  # fmt: skip


def test_a_node_that_runs_out_says_of_what(settings: KubeletSettings) -> None:
    pressures = frozenset({"MemoryPressure", "DiskPressure"})
    status = _status(settings, _observation(pressures=pressures))
    assert _verdict(status, "MemoryPressure") == (
        "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
    )  # fmt: skip
    assert _verdict(status, "DiskPressure") == ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    assert _verdict(status, "PIDPressure") == (
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    )


def test_a_status_that_differs_only_in_heartbeats_is_the_same(settings: KubeletSettings) -> None:
    before = _status(settings, _observation())
    for each in before.conditions:
        each.lastHeartbeatTime.seconds = 1
        each.lastTransitionTime.seconds = 2
    after = _status(settings, _observation(), before)
    assert differ_only_in_heartbeats(before, after)
    assert all(each.lastTransitionTime.seconds == 2 for each in after.conditions)
    assert not differ_only_in_heartbeats(before, _status(settings, _observation(network_ready=False), before))


def test_conditions_of_others_are_kept(settings: KubeletSettings) -> None:
    before = node_pb2.NodeStatus(conditions=[node_pb2.NodeCondition(type="NetworkUnavailable", status="False")])
    assert _verdict(_status(settings, _observation(), before), "NetworkUnavailable")[0] == "False"


def test_a_node_registers_with_its_labels_and_taints(settings: KubeletSettings) -> None:
    node = new_node(settings)
    assert node.metadata.labels["kubernetes.io/hostname"] == "n1"
    assert node.metadata.labels["disk"] == "ssd"
    assert [(taint.key, taint.effect) for taint in node.spec.taints] == [("only", "NoSchedule")]


def test_without_a_declaration_the_machine_counts(settings: KubeletSettings) -> None:
    amounts = capacity(dataclasses.replace(settings, capacity=CapacitySettings()))
    assert int(amounts["cpu"].string) > 0
    assert amounts["memory"].string.endswith("i")


def test_an_extended_resource_that_somebody_advertises_can_be_used(settings: KubeletSettings) -> None:
    before = _status(settings, _observation())
    before.capacity["example.com/dongle"].string = "4"
    before.capacity["cpu"].string = "64"
    after = _status(settings, _observation(), before)
    assert (after.capacity["cpu"].string, after.allocatable["cpu"].string) == ("2", "2")
    assert (after.capacity["example.com/dongle"].string, after.allocatable["example.com/dongle"].string) == ("4", "4")
