"""What the kernel's files say of a control group."""

from __future__ import annotations

from pathlib import Path

from node.kubelet.nodestatus import cgroups
from node.kubelet.nodestatus.cgroups import GroupUse, Stall

PRESSURE = "some avg10=1.50 avg60=0.70 avg300=0.10 total=4200\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"


def _files(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir(parents=True)
    for name, text in files.items():
        (directory / name).write_text(text)


def test_of_version_2(tmp_path: Path) -> None:
    _files(tmp_path / "kubepods/pod1/c1", {
        "cpu.stat": "usage_usec 1000\nnr_periods 9\nnr_throttled 3\nthrottled_usec 50\n",
        "memory.current": "5000\n", "memory.stat": "anon 3000\nfile 1500\ninactive_file 1000\npgfault 8\n",
        "memory.events": "low 0\nmax 4\noom 1\noom_kill 2\n", "memory.pressure": PRESSURE,
    })  # fmt: skip
    found = cgroups.read("0::/kubepods/pod1/c1\n", tmp_path)
    assert (found.cpu_ns, found.throttled_ns, found.periods, found.throttled_periods) == (1_000_000, 50_000, 9, 3)
    assert (found.memory_bytes, found.working_set_bytes, found.rss_bytes, found.cache_bytes) == (5000, 4000, 3000, 1500)
    assert (found.page_faults, found.failures, found.oom_kills) == (8, 4, 2)
    assert found.stalls == {"memory": {"some": Stall(1.5, 0.7, 0.1, 4200), "full": Stall(0, 0, 0, 7)}}


def test_a_group_that_ends_as_a_whole_ran_out_of_memory_once(tmp_path: Path) -> None:
    _files(tmp_path / "c1", {"memory.events": "oom 1\noom_kill 5\noom_group_kill 1\n"})
    assert cgroups.read("0::/c1\n", tmp_path).oom_kills == 1


def test_of_version_1(tmp_path: Path) -> None:
    _files(tmp_path / "memory/kubepods/c1", {
        "memory.usage_in_bytes": "5000\n", "memory.failcnt": "2\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        "memory.stat": "rss 1\ntotal_rss 3000\ntotal_cache 1500\ntotal_inactive_file 1000\n",
    })  # fmt: skip
    _files(tmp_path / "cpuacct/kubepods/c1", {"cpuacct.usage": "77\n"})
    _files(tmp_path / "cpu/kubepods/c1", {"cpu.stat": "nr_periods 5\nnr_throttled 1\nthrottled_time 90\n"})
    groups = "4:memory:/kubepods/c1\n2:cpu,cpuacct:/kubepods/c1\n0::/\n"
    assert cgroups.read(groups, tmp_path) == GroupUse(
        cpu_ns=77, throttled_ns=90, periods=5, throttled_periods=1, memory_bytes=5000, working_set_bytes=4000,
        rss_bytes=3000, cache_bytes=1500, failures=2, oom_kills=3,
    )  # fmt: skip


def test_a_group_that_is_gone_uses_nothing(tmp_path: Path) -> None:
    assert cgroups.read("0::/kubepods/gone\n", tmp_path) == GroupUse()


def test_this_kernel_s_own_are_read() -> None:
    assert all(set(found) <= {"some", "full"} for found in cgroups.stalls(cgroups.NODE_STALLS).values())
