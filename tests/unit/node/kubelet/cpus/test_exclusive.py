from __future__ import annotations

from pathlib import Path

import pytest

from node.kubelet.cpus.exclusive import CpuError, ExclusiveCpus, wanted
from node.kubelet.cpus.topology import Processor
from podlab.core.v1 import pod_pb2

MACHINE = [Processor(cpu, core=cpu, socket=0) for cpu in range(4)]


def _cpus(path: Path) -> ExclusiveCpus:
    return ExclusiveCpus(path / "state", MACHINE, frozenset({0}))


def _pod(uid: str = "u1", *, memory: str = "1Gi", **cpus: str) -> pod_pb2.Pod:
    pod = pod_pb2.Pod()
    pod.metadata.uid = uid
    for name, cpu in cpus.items():
        places = pod.spec.initContainers if name.startswith("init") else pod.spec.containers
        resources = places.add(name=name).resources
        for side in (resources.limits, resources.requests):
            side["cpu"].string = cpu
            if memory:
                side["memory"].string = memory
    return pod


def test_whole_processors_of_guaranteed_pods_are_wanted() -> None:
    pod = _pod(a="2", b="1500m", c="1000m")
    assert [wanted(pod, each) for each in pod.spec.containers] == [2, 0, 1]
    burstable = _pod(memory="", a="2")
    assert wanted(burstable, burstable.spec.containers[0]) == 0


def test_who_has_processors_for_himself_takes_them_out_of_the_shared_pool_until_he_ends(tmp_path: Path) -> None:
    cpus = _cpus(tmp_path)
    assert (cpus.shared, cpus.allocatable) == ({0, 1, 2, 3}, {1, 2, 3})
    cpus.allocate(_pod(a="2"))
    assert (cpus.of("u1", "a"), cpus.shared) == ({1, 2}, {0, 3})
    cpus.allocate(_pod(a="2"))
    assert cpus.of("u1", "a") == {1, 2}, "what is given stays"
    with pytest.raises(CpuError, match="not enough cpus available to satisfy request: requested=2, available=1"):
        cpus.allocate(_pod("u2", a="2"))
    assert cpus.pod_uids() == {"u1"}
    assert cpus.forget(["u1", "u2"])
    assert not cpus.forget(["u1"])
    assert cpus.shared == {0, 1, 2, 3}


def test_containers_have_what_init_containers_leave(tmp_path: Path) -> None:
    cpus = _cpus(tmp_path)
    cpus.allocate(_pod(init="3", a="1", b="2"))
    assert cpus.of("u1", "init") == {1, 2, 3} == cpus.of("u1", "a") | cpus.of("u1", "b")
    assert not cpus.of("u1", "a") & cpus.of("u1", "b")


def test_it_is_known_after_a_restart(tmp_path: Path) -> None:
    _cpus(tmp_path).allocate(_pod(a="2"))
    assert _cpus(tmp_path).of("u1", "a") == {1, 2}


@pytest.mark.parametrize("text", ["{", '{"exclusive": {"u1": {"a": "x"}}}', '{"exclusive": {"u1": {"a": "0"}}}'])
def test_a_file_that_cannot_be_true_is_begun_anew(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text(text)
    assert _cpus(tmp_path).pod_uids() == set()
    assert "containers that start again are given processors anew" in caplog.text
