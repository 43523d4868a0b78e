"""A node whose disk fills up: who fills it goes, the others stay, and the node takes pods again once there is room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import Cli, condition_of, nodes_ready, pod, wait_until
from podlab_testing.kubelet_settings import change, on_host, restore

from podlab.lab.lab import Lab

ROOT = "/var/lib/podlab/kubelet"
NODE = "n2"
SIZE_MIB = 96
THRESHOLDS: dict[str, object] = {"hard": {"nodefs.available": "40%"}, "pressure_transition_period_s": 15}
FILL = "dd if=/dev/zero of=/data/full bs=1M count=70 2>/dev/null; sleep 1000"
FOREVER = "sleep 1000"


@pytest.fixture
def small_disk(lab: Lab, cli: Cli, all_ready: None) -> Iterator[None]:
    """The node's volumes are on a filesystem of their own, which is small; nothing else runs there meanwhile."""
    cli("drain", NODE, "--ignore-daemonsets", "--delete-emptydir-data", "--force", timeout_s=180)
    change(lab, NODE, eviction=THRESHOLDS)
    mount = f"mount -t tmpfs -o size={SIZE_MIB}M,mode=750 tmpfs {ROOT}"
    on_host(lab, NODE, "systemctl stop podlab-kubelet", mount, "systemctl start podlab-kubelet")
    cli("uncordon", NODE)
    yield
    cli("drain", NODE, "--ignore-daemonsets", "--delete-emptydir-data", "--force", timeout_s=180)
    restore(lab, NODE)
    on_host(lab, NODE, "systemctl stop podlab-kubelet", f"umount -R {ROOT}", "systemctl start podlab-kubelet")
    cli("uncordon", NODE)
    wait_until(lambda: nodes_ready(cli), "the node is as it was", 60)


def _pinned(name: str, command: str) -> str:
    spec: dict[str, Any] = {
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "volumes": [{"name": "data", "emptyDir": {}}],
        "restartPolicy": "Never",
    }
    mounts = [{"name": "data", "mountPath": "/data"}]
    return pod(
        name,
        spec=spec,
        command=["sh", "-c", command],
        volumeMounts=mounts,
        readinessProbe=None,
        lifecycle=None,
        ports=[],
    )


def _phase(cli: Cli, namespace: str, name: str) -> str:
    return str(cli.get("pod", name, "-n", namespace)["status"].get("phase"))


def _taints(cli: Cli) -> set[str]:
    return {each["key"] for each in cli.get("node", NODE)["spec"].get("taints", [])}


@pytest.mark.alone
def test_who_fills_the_disk_goes_and_who_does_not_stays(cli: Cli, namespace: str, small_disk: None) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=_pinned("modest", FOREVER))
    wait_until(lambda: _phase(cli, namespace, "modest") == "Running", "a modest pod runs")
    cli("apply", "-n", namespace, "-f", "-", stdin=_pinned("greedy", FILL))
    wait_until(lambda: _phase(cli, namespace, "greedy") == "Failed", "the greedy pod is evicted", 60)
    status = cli.get("pod", "greedy", "-n", namespace)["status"]
    assert status["reason"] == "Evicted"
    assert status["message"].startswith("The node was low on resource: ephemeral-storage. Threshold quantity: ")
    disrupted = next(each for each in status["conditions"] if each["type"] == "DisruptionTarget")
    assert disrupted["reason"] == "TerminationByKubelet"
    wait_until(lambda: "node.kubernetes.io/disk-pressure" in _taints(cli), "no pod is sent there", 20)
    told = {each["reason"] for each in cli.items("events", "-n", "default") if each["involvedObject"]["name"] == NODE}
    assert {"EvictionThresholdMet", "NodeHasDiskPressure"} <= told
    cli("delete", "pod", "greedy", "-n", namespace)
    wait_until(lambda: condition_of(cli.get("node", NODE), "DiskPressure") == "False", "there is room again", 60)
    assert _phase(cli, namespace, "modest") == "Running"
    assert not cli.get("pod", "modest", "-n", namespace)["status"]["containerStatuses"][0]["restartCount"]
