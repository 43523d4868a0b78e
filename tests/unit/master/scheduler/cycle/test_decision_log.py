"""What is remembered of decisions."""

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.decision_log import DecisionLog
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import Time


def at(name: str) -> Key:
    return Key(GroupKind("", "Pod"), "default", name)


def made(nodes: int) -> Decision:
    snapshot = Snapshot()
    for number in range(nodes):
        node = Node()
        node.metadata.name = f"n{number}"
        node.status.allocatable["pods"].string = "110"
        snapshot.set_node(node)
    result = schedule_pod(pod_info(Pod()), snapshot, DEFAULT_PROFILE, FilterCache())
    return Decision(Pod(), result, None, Time(), 1, 10)


def test_the_oldest_decisions_are_forgotten_when_their_arrays_are_too_large() -> None:
    kept = DecisionLog(limit_bytes=round(2.5 * made(4).nbytes))
    for name in ("a", "b", "a", "c"):
        kept.add(at(name), made(4))
    assert kept.get(at("b")) is None
    assert kept.get(at("a")) is not None
    assert kept.get(at("c")) is not None


def test_no_more_pods_are_remembered_than_that() -> None:
    kept = DecisionLog(limit_pods=2)
    for name in ("a", "b", "c"):
        kept.add(at(name), made(1))
    assert [kept.get(at(name)) is not None for name in ("a", "b", "c")] == [False, True, True]


def test_the_last_decision_is_kept_however_many_nodes_it_judged() -> None:
    kept = DecisionLog(limit_bytes=3)
    kept.add(at("a"), made(5))
    assert kept.get(at("a")) is not None
