"""What plugins decide about other pods, and by which policy, through the real API server."""

from collections import Counter
from pathlib import Path

import pytest
from podlab_testing.scheduling_cluster import AddNode, SchedulerPods

from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service

HOST = "kubernetes.io/hostname"
OWN_PLUGIN = """
import numpy as np

from master.scheduler.plugins.protocol import Follows, refuse


class NoOdd:
    name, follows = "NoOdd", Follows.NODE

    def filter(self, info, nodes, rows):
        odd = np.array([name[-1] in "13579" for name in nodes.names], np.bool_)
        return refuse(odd[rows], "node(s) were odd", final=True)
"""
POLICY = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
pluginFiles: [odd.py]
profiles:
- schedulerName: default-scheduler
- schedulerName: even-packing
  plugins:
    multiPoint: {enabled: [{name: NoOdd}]}
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "odd.py").write_text(OWN_PLUGIN)
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def packed(pod: Pod) -> None:
    pod.spec.schedulerName = "even-packing"


@pytest.mark.usefixtures("scheduler")
async def test_each_profile_judges_by_its_own_plugins(add_node: AddNode, pods: SchedulerPods) -> None:
    for name in ("n1", "n2", "n4"):
        await add_node(name)
    nodes = set()
    for number in range(3):
        await pods.create(f"packed-{number}", cpu="100m", change=packed)
        nodes.add(await pods.bound(f"packed-{number}"))
    assert len(nodes) == 1
    assert "n1" not in nodes
    for number in range(2):
        await pods.create(f"spread-{number}", cpu="100m")
        nodes.add(await pods.bound(f"spread-{number}"))
    assert nodes == {"n1", "n2", "n4"}


@pytest.mark.usefixtures("scheduler")
async def test_a_plugin_of_ones_own_says_why(add_node: AddNode, pods: SchedulerPods) -> None:
    await add_node("n1")
    await pods.create("web", change=packed)
    await pods.wait("web", lambda pod: "1 node(s) were odd" in str(pod.status.conditions))


def apart(pod: Pod) -> None:
    pod.metadata.labels.update({"app": "web", "hash": pod.metadata.name.partition("-")[0]})
    terms = pod.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    term = terms.add(topologyKey=HOST, matchLabelKeys=["hash"])
    term.labelSelector.matchLabels["app"] = "web"


@pytest.mark.usefixtures("scheduler")
async def test_pods_that_must_be_apart_wait_for_a_node_of_their_own(add_node: AddNode, pods: SchedulerPods) -> None:
    await add_node("n2")
    await pods.create("a-1", change=apart)
    await pods.bound("a-1")
    await pods.create("b-1", change=apart)  # of another hash: it does not mind
    assert await pods.bound("b-1") == "n2"
    await pods.create("a-2", change=apart)
    reason = "1 node(s) didn't match pod anti-affinity rules"
    await pods.wait("a-2", lambda pod: reason in str(pod.status.conditions).replace("\\'", "'"))
    await add_node("n4")
    assert await pods.bound("a-2") == "n4"


def zoned(pod: Pod) -> None:
    pod.metadata.labels["app"] = "zoned"
    made = pod.spec.topologySpreadConstraints.add(maxSkew=1, topologyKey="zone", whenUnsatisfiable="DoNotSchedule")
    made.labelSelector.matchLabels["app"] = "zoned"


@pytest.mark.usefixtures("scheduler")
async def test_pods_are_spread_over_zones(add_node: AddNode, pods: SchedulerPods) -> None:
    for number, zone in enumerate("xxxyz"):
        await add_node(f"n{number}", labels={"zone": zone})
    places: Counter[str] = Counter()
    for number in range(6):
        await pods.create(f"p{number}", change=zoned)
        place = await pods.bound(f"p{number}")
        places["xxxyz"[int(place[1:])]] += 1
    assert places == {"x": 2, "y": 2, "z": 2}


def served(pod: Pod) -> None:
    pod.metadata.labels["app"] = "served"


@pytest.mark.usefixtures("scheduler")
async def test_pods_of_a_service_are_spread_without_saying_so(
    add_node: AddNode, pods: SchedulerPods, admin: Client
) -> None:
    service = Service()
    service.metadata.name, service.metadata.namespace = "served", "default"
    service.spec.selector["app"] = "served"
    service.spec.ports.add(port=80)
    await admin.create(service)
    await add_node("n0", cpu="2")
    await add_node("n2", cpu="3")  # has more room than the other, also after the first pod
    nodes = set()
    for number in range(2):
        await pods.create(f"p{number}", cpu="100m", change=served)
        nodes.add(await pods.bound(f"p{number}"))
    assert nodes == {"n0", "n2"}
