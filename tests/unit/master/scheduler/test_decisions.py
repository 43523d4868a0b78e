"""What is remembered of decisions."""

import pytest

from master.scheduler import decisions
from master.scheduler.decisions import Decisions, Remembered
from master.scheduler.defaults import DEFAULT_PROFILE
from master.scheduler.podinfo import pod_info
from master.scheduler.schedule import schedule
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdicts import Verdicts
from podlab.api.objects import Key
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import Time


def at(name: str) -> Key:
    return Key("Pod", "default", name)


def remember(kept: Decisions, name: str, nodes: int) -> None:
    snapshot = Snapshot()
    for number in range(nodes):
        node = Node()
        node.metadata.name = f"n{number}"
        snapshot.set_node(node)
    decision = schedule(pod_info(Pod()), snapshot, DEFAULT_PROFILE, Verdicts())
    kept.remember(at(name), Remembered(decision, "uid", Time(), 1, 10))


def test_the_oldest_decisions_are_forgotten_when_there_are_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "ROWS_REMEMBERED", 10)
    kept = Decisions()
    for name in ("a", "b", "a", "c"):
        remember(kept, name, 4)
    assert kept.explain(at("b")) is None
    for name in ("a", "c"):
        told = kept.explain(at(name))
        assert told is not None
        assert len(told.nodes) == 4


def test_the_last_decision_is_kept_however_many_nodes_it_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "ROWS_REMEMBERED", 3)
    kept = Decisions()
    remember(kept, "a", 5)
    told = kept.explain(at("a"))
    assert told is not None
    assert told.message == "0/5 nodes are available: 5 Too many pods."
