from __future__ import annotations

from pathlib import Path

import pytest

from node.kubelet.cpus import manager, topology
from node.kubelet.cpus.topology import Processor
from node.kubelet.settings import CpuManagerSettings
from podlab.settings import SettingsError


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "has_cpusets", lambda: True)
    monkeypatch.setattr(topology, "read", lambda: tuple(Processor(cpu, cpu, 0) for cpu in range(4)))


def test_only_the_static_policy_gives_processors_away(tmp_path: Path) -> None:
    assert manager.exclusive(CpuManagerSettings(), tmp_path / "state") is None
    cpus = manager.exclusive(CpuManagerSettings("static", "0-1"), tmp_path / "state")
    assert cpus is not None
    assert cpus.allocatable == {2, 3}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (CpuManagerSettings("always"), "cpu_manager.policy: expected none or static, found 'always'"),
        (CpuManagerSettings("static"), "the static policy requires processors that are never given away, some of 0-3"),
        (CpuManagerSettings("static", "0-3"), "found '0-3'"),
        (CpuManagerSettings("static", "0,9"), "found '0,9'"),
        (CpuManagerSettings("static", "one"), "which processors there are cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(tmp_path: Path, settings: CpuManagerSettings, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        manager.exclusive(settings, tmp_path / "state")
    assert why in str(caught.value)


def test_a_machine_without_cpusets_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "has_cpusets", lambda: False)
    with pytest.raises(SettingsError, match="static needs the cgroup controller cpuset, which this machine lacks"):
        manager.exclusive(CpuManagerSettings("static", "0"), tmp_path / "state")
