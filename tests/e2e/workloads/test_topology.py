"""Processors from one NUMA node on a real host, as the topology manager's settings have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from podlab_testing.deployed import Cli, pod, wait_for
from podlab_testing.kubelet_settings import changed, on_host

from podlab.lab.lab import Lab

NODE = "n2"
CPUS = {"policy": "static", "reserved_cpus": "0"}
TOPOLOGY = {"policy": "single-numa-node", "scope": "pod"}

pytestmark = pytest.mark.alone


@pytest.fixture
def spare(lab: Lab, all_ready: None) -> Iterator[int]:
    """How many processors the node gives away."""
    with changed(lab, NODE, cpu_manager=CPUS, topology_manager=TOPOLOGY):
        yield int(on_host(lab, NODE, "nproc --all")) - 1


def test_processors_come_from_one_numa_node_or_the_pod_is_refused(
    lab: Lab, cli: Cli, namespace: str, spare: int
) -> None:
    nodes = on_host(lab, NODE, "cat /sys/devices/system/node/has_memory").strip()
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
