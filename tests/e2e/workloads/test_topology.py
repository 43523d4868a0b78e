"""Processors from one NUMA node on a real host, as the topology manager's settings have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from podlab_testing.deployed import Cli, pod, wait_for

from podlab.lab.lab import Lab

NODE = "n2"
SETTINGS = "/etc/podlab/kubelet.yaml"
CPUS = 'cpu_manager: {"policy": "static", "reserved_cpus": "0"}'
TOPOLOGY = 'topology_manager: {"policy": "single-numa-node", "scope": "pod"}'

pytestmark = pytest.mark.alone


def on_node(lab: Lab, script: str) -> str:
    done = lab.run(NODE, ["sh", "-euc", script])
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return str(done.stdout)


@pytest.fixture
def spare(lab: Lab, all_ready: None) -> Iterator[int]:
    """How many processors the node gives away."""
    edits = f"s/^cpu_manager:.*/{CPUS}/; s/^topology_manager:.*/{TOPOLOGY}/"
    on_node(lab, f"cp {SETTINGS} /root/kubelet.yaml; sed -i '{edits}' {SETTINGS}; systemctl restart podlab-kubelet")
    yield int(on_node(lab, "nproc --all")) - 1
    on_node(lab, f"cp /root/kubelet.yaml {SETTINGS}; rm /root/kubelet.yaml; systemctl restart podlab-kubelet")


def test_processors_come_from_one_numa_node_or_the_pod_is_refused(
    lab: Lab, cli: Cli, namespace: str, spare: int
) -> None:
    nodes = on_node(lab, "cat /sys/devices/system/node/has_memory").strip()
    if spare < 1 or nodes != "0":
        pytest.skip(f"the machine has {spare} processors to give away, and the NUMA nodes {nodes}")

    def status(name: str) -> tuple[str, str]:
        found = cli.get("pod", name, "-n", namespace)["status"]
        return found["phase"], found.get("reason", "")

    for name in ("first", "second"):
        limits = {"cpu": str(spare), "memory": "32Mi"}
        cli("apply", "-n", namespace, "-f", "-", stdin=pod(name, spec={"nodeName": NODE}, resources={"limits": limits}))
        wanted = ("Running", "") if name == "first" else ("Failed", "TopologyAffinityError")
        wait_for(wanted, lambda name=name: status(name), f"the {name} pod")
    cli("delete", "pod", "first", "second", "-n", namespace)
