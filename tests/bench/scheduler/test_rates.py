"""How many pods a second are judged: `pytest -s tests/bench/scheduler`. One line a figure, in less than half a minute.

The pure `schedule` with all plugins on nodes in memory, each pod placed before the next one is judged; no API server,
no bindings. The nodes differ in zone, disk and what they hold; a tenth of them is tainted. The pods of a run are alike
but for their names, as those of a Deployment.
"""

import time
from collections.abc import Callable

from master.scheduler.defaults import DEFAULT_PROFILE
from master.scheduler.podinfo import pod_info
from master.scheduler.schedule import schedule
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdicts import Verdicts
from podlab.core.v1.node_pb2 import Node, Taint
from podlab.core.v1.pod_pb2 import Pod

RUN_S = 2.0


def test_rates() -> None:
    """Nothing is asserted of the figures: they depend on the machine."""
    for count in (1000, 5000):
        started = time.perf_counter()
        snapshot = Snapshot()
        for number in range(count):
            snapshot.set_node(_node(number))
        _tell(f"nodes taken in, {count:,}", count / (time.perf_counter() - started), "nodes/s")
        for name, make in (("plain pods", _plain), ("pods with affinity", _choosy), ("pods that fit nowhere", _huge)):
            _tell(f"{name}, {count:,} nodes", _rate(snapshot, make), "pods/s")


def _rate(snapshot: Snapshot, make: Callable[[str], Pod]) -> float:
    uids = []
    known = Verdicts()
    started = time.perf_counter()
    while time.perf_counter() - started < RUN_S:
        pod = make(f"web-{len(uids)}")
        info = pod_info(pod)
        decision = schedule(info, snapshot, DEFAULT_PROFILE, known)
        uids.append(pod.metadata.uid)
        if decision.node_name:
            snapshot.place(info, decision.node_name)
    rate = len(uids) / (time.perf_counter() - started)
    for uid in uids:
        snapshot.remove_pod(uid)
    return rate


def _tell(name: str, figure: float, unit: str) -> None:
    print(f"{name}: {figure:,.0f} {unit}", flush=True)


def _node(number: int) -> Node:
    node = Node()
    node.metadata.name = f"n{number}"
    labels = {"kubernetes.io/hostname": f"n{number}", "zone": f"z{number % 3}", "disk": ("ssd", "hdd")[number % 2]}
    node.metadata.labels.update(labels)
    for name, amount in (("cpu", "16"), ("memory", f"{32 + number % 4}Gi"), ("pods", "110")):
        node.status.allocatable[name].string = amount
    for image in range(10):
        node.status.images.add(names=[f"image-{image}:1"], sizeBytes=100_000_000)
    if number % 10 == 0:
        node.spec.taints.append(Taint(key="dedicated", value="db", effect="NoSchedule"))
    return node


def _plain(name: str) -> Pod:
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace, pod.metadata.uid = name, "default", f"uid-{name}"
    container = pod.spec.containers.add(name="main", image="image-1:1")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "128Mi"
    return pod


def _choosy(name: str) -> Pod:
    pod = _plain(name)
    pod.spec.nodeSelector["disk"] = "ssd"
    affinity = pod.spec.affinity.nodeAffinity
    preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution.add(weight=10)
    preferred.preference.matchExpressions.add(key="zone", operator="In", values=["z1"])
    pod.spec.tolerations.add(key="dedicated", operator="Exists")
    return pod


def _huge(name: str) -> Pod:
    pod = _plain(name)
    pod.spec.containers[0].resources.requests["cpu"].string = "64"
    return pod
