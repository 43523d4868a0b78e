"""Processors of a pod's containers near to each other, by policy and scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import make_pod
from podlab_testing.memory_node import MemoryRuntime

from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cpus.manager import CpuManager
from node.kubelet.cpus.topology import Processor
from node.kubelet.deviceplugins.given import GivenDevices
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.numa.alignment import Alignment, TopologyAffinityError
from node.kubelet.numa.nodes import NumaNode
from node.kubelet.settings import TopologyManagerSettings
from podlab.core.v1 import pod_pb2

# Of two nodes the first has cpus 0 to 2, the second 3 to 5; 0 is reserved.
NODES = (NumaNode(0, frozenset(range(3)), 1), NumaNode(1, frozenset(range(3, 6)), 1))
PROCESSORS = [Processor(cpu, cpu, cpu // 3) for cpu in range(6)]


def _pod(uid: str, *cpus: int) -> pod_pb2.Pod:
    containers = [
        {"name": f"c{place}", "image": "i", "resources": {"limits": {"cpu": str(count), "memory": "1Mi"}}}
        for place, count in enumerate(cpus)
    ]
    pod = make_pod(containers=containers)
    pod.metadata.uid = uid
    return pod


def _made(root: Path, policy: str, scope: str = "container") -> tuple[Alignment, CpuManager]:
    cpus = CpuManager(ExclusiveCpus(root / "cpus", PROCESSORS, frozenset({0})), MemoryRuntime())
    devices = DeviceManager(DeviceOffers(()), GivenDevices(root / "devices"))
    return Alignment(TopologyManagerSettings(policy, scope), NODES, devices, cpus), cpus


async def test_each_container_comes_from_one_node_by_itself(tmp_path: Path) -> None:
    alignment, cpus = _made(tmp_path, "single-numa-node")
    await alignment.allocate(_pod("a", 2, 2))
    assert (cpus.ids("a", "c0"), cpus.ids("a", "c1")) == ([1, 2], [3, 4])


async def test_a_whole_pod_comes_from_one_node_or_is_refused(tmp_path: Path) -> None:
    alignment, cpus = _made(tmp_path, "single-numa-node", "pod")
    await alignment.allocate(_pod("a", 1, 2))
    assert (cpus.ids("a", "c0"), cpus.ids("a", "c1")) == ([3], [4, 5])
    with pytest.raises(TopologyAffinityError, match="Resources cannot be allocated with Topology locality"):
        await alignment.allocate(_pod("b", 2, 1))


@pytest.mark.parametrize(("policy", "admitted"), [("best-effort", True), ("restricted", False), ("none", True)])
async def test_what_comes_from_more_nodes_than_it_needs_is_for_the_policy_to_judge(
    tmp_path: Path, policy: str, admitted: bool
) -> None:
    alignment, cpus = _made(tmp_path, policy)
    await alignment.allocate(_pod("a", 2))
    await alignment.allocate(_pod("b", 1))
    if admitted:
        await alignment.allocate(_pod("c", 2))
        assert len(cpus.ids("c", "c0")) == 2
        return
    await alignment.allocate(_pod("c", 2))
    with pytest.raises(TopologyAffinityError):
        await alignment.allocate(_pod("d", 2))
