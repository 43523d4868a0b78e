"""Plugins of one's own, beginning with that of the documentation, as it stands there."""

import re
from pathlib import Path

import pytest
from podlab_testing.source_code import PROJECT

from master.scheduler import plugin_files
from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.main import load_policy
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.settings import SettingsError
from podlab.tls import Tls

PAGE = PROJECT / "docs/scheduler-plugins.md"
TLS = Tls(Path("ca"), Path("cert"), Path("key"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> tuple[Profile, ...]:
    (tmp_path / "scheduler-plugins").mkdir()
    (tmp_path / "scheduler-plugins/maintenance.py").write_text(blocks("python")[0])
    policy = tmp_path / "policy.yaml"
    policy.write_text(blocks("yaml")[1])
    return load_policy(policy).profiles


def node(name: str, **labels: str) -> Node:
    made = Node()
    made.metadata.name = name
    made.metadata.labels.update({f"example.com/{key}": value for key, value in labels.items()})
    made.status.allocatable["pods"].string = "10"
    return made


def test_the_example_keeps_pods_from_nodes_and_prefers_others(example: tuple[Profile, ...]) -> None:
    nodes = Snapshot()
    nodes.set_node(node("due", maintenance="monday", generation="9"))
    refused = schedule_pod(pod_info(Pod()), nodes, example[0], FilterCache())
    assert refused.message == "0/1 nodes are available: 1 node(s) were due for maintenance."
    assert refused.unschedulable_plugins == {"Maintenance"}
    for name, generation in (("old", "1"), ("new", "2"), ("older", "0")):
        nodes.set_node(node(name, generation=generation))
    result = schedule_pod(pod_info(Pod()), nodes, example[0], FilterCache())
    assert result.node_name == "new"
    own = next(each for each in result.scores if each.plugin == "Maintenance")
    assert [int(own.normalized[row]) for row in result.feasible] == [50, 100, 0]
    assert own.weight == 5


def test_the_other_example_makes_a_second_profile(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(blocks("yaml")[0])
    default, packing = load_policy(policy).profiles
    assert (default.scheduler_name, packing.scheduler_name) == ("default-scheduler", "packing")
    weights = {each.plugin.name: each.weight for each in packing.scores}
    assert weights["NodeResourcesFit"] == 10
    assert "NodeResourcesBalancedAllocation" not in weights


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1", "expected one class with filter or score, found none"),
        ("class A:\n  def filter(self): ...\nclass B:\n  def score(self): ...", "found A, B"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("class A:\n  def filter(self): ...", "A.name must be the plugin's name"),
        ("class A:\n  name = 'A'\n  def filter(self): ...", "A.follows must be one of Follows"),
    ],
)
def test_a_file_that_is_no_plugin_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"own\.py: .*" + re.escape(problem)):
        plugin_files.load([path])


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.py: cannot be loaded: FileNotFoundError"):
        plugin_files.load([tmp_path / "gone.py"])


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "from master.scheduler.plugins.protocol import Follows\n"
        "class Own:\n  name, follows = 'NodeName', Follows.NODE\n  def filter(self): ...\n"
    )
    with pytest.raises(SettingsError, match="there is a plugin 'NodeName' already"):
        plugin_files.load([path])
