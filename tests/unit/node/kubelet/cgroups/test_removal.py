"""Control groups of v2 go with what runs in them."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.kubelet.cgroups import removal

JOINED = "echo $$ > {}/cgroup.procs; echo in; "


def _running(group: Path, script: str) -> subprocess.Popen[str]:
    """One that is in the group when this returns."""
    started = subprocess.Popen(
        ["sh", "-c", JOINED.format(group) + script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "in\n"
    return started


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Path]:
    """As files, in which a process stays that nobody can end: the test's own."""
    group = tmp_path / "pod"
    group.mkdir()
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (group / "cgroup.kill").write_text("")
    yield group
    assert (group / "cgroup.kill").read_text() == "1"


def test_what_is_gone_is_gone(unified: Path) -> None:
    removal.remove(unified / "nobody")


def test_a_group_goes_with_all_groups_below_it(unified: Path) -> None:
    (unified / "pod/container/inner").mkdir(parents=True)
    (unified / "pod/other").mkdir()
    removal.remove(unified / "pod")
    assert not (unified / "pod").exists()


def test_what_still_runs_in_a_group_is_ended_with_all_it_started(unified: Path) -> None:
    container = unified / "pod/container"
    container.mkdir(parents=True)
    with _running(container, "trap '' TERM; sleep 600 & sleep 600") as started:
        removal.remove(unified / "pod")
        assert started.wait(10) == -9
    assert not (unified / "pod").exists()


def test_what_the_runtime_puts_into_a_group_meanwhile_goes_as_well(
    unified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the start of a container that nobody waits for any more."""
    container = unified / "pod/container"
    container.mkdir(parents=True)
    started = [_running(container, "sleep 600")]

    def late(_: float) -> None:
        if len(started) < 3:
            started.append(_running(container, "sleep 600"))

    monkeypatch.setattr(removal.time, "sleep", late)
    removal.remove(unified / "pod", within_s=120)
    assert len(started) == 3
    for each in started:
        with each:
            assert each.wait(10) == -9
    assert not (unified / "pod").exists()


def test_processes_that_do_not_end_are_named(fake: Path) -> None:
    with pytest.raises(OSError, match=rf"processes {os.getpid()} \(.+\) .* within 0 s; .*stack") as refused:
        removal.remove(fake, within_s=0)
    assert refused.value.errno == errno.EBUSY
    assert refused.value.filename == str(fake)


def test_a_kernel_that_does_not_let_go_of_what_is_empty_is_named(tmp_path: Path) -> None:
    """Its controllers are there for the test's own folder, which none can be removed of."""
    group = tmp_path / "pod"
    group.mkdir()
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    with pytest.raises(OSError, match="the container runtime is still at work"):
        removal.remove(group, within_s=0)
