"""How long the scheduler takes to decide about a pod: the decision itself, without API server, in this process.

Each pod is assigned before the next one is scheduled. CPU time of the thread, so that other load counts less.
"""

from __future__ import annotations

import time

import shapes
from apiserver import tell

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE

NODES = (500, 5000)
PODS = 1000


async def measure() -> None:
    for count in NODES:
        nodes = Snapshot()
        nodes.set_namespace("default", {})
        for number in range(count):
            nodes.set_node(shapes.node(number))
        for shape in shapes.SHAPES:
            if not shape.churns and not shape.preempts:
                _measure(shape, nodes, count)


def _measure(shape: shapes.Shape, nodes: Snapshot, count: int) -> None:
    cache = FilterCache()
    taken_us: list[float] = []
    uids: list[str] = []
    for pod in shape.pods("default", PODS, count):
        pod.metadata.uid = f"{shape.name}-{pod.metadata.name}"
        begun = time.thread_time()
        info = pod_info(pod)
        result = schedule_pod(info, nodes, DEFAULT_PROFILE, cache)
        nodes.add_pod(info, result.node_name)
        taken_us.append((time.thread_time() - begun) * 1e6)
        uids.append(info.uid)
    for uid in uids:
        nodes.remove_pod(uid)
    taken_us.sort()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        tell(f"{shape.name} {count} nodes, decision {name}", taken_us[int(len(taken_us) * share)], "us")
