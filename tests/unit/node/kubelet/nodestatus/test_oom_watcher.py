"""Processes that the kernel ended for the node's sake."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from podlab_testing.waiting import WITHIN_S

from node.kubelet.nodestatus import oom_watcher

OF_NODE = (
    "3,1042,7311903,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/kubepods/pod1/c1,task=stress-ng-vm,pid=4242,uid=0"
)
OF_CONTAINER = OF_NODE.replace("global_oom", "oom_memcg=/kubepods/pod1/c1").replace(
    "CONSTRAINT_NONE", "CONSTRAINT_MEMCG"
)


def test_the_victim_of_the_node_is_named_and_a_container_s_own_is_not() -> None:
    assert oom_watcher.victim(OF_NODE) == ("stress-ng-vm", 4242)
    assert oom_watcher.victim(OF_CONTAINER) is None
    assert oom_watcher.victim("6,1,1,-;eth0: link up") is None


async def test_a_host_without_a_kernel_log_has_nothing_to_tell(tmp_path: Path) -> None:
    await oom_watcher.run(lambda *told: None, tmp_path / "none")


async def test_what_the_log_says_is_told_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, told = tmp_path / "kmsg", asyncio.Queue[tuple[str, str, str]]()
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    monkeypatch.setattr(oom_watcher.os, "lseek", lambda *given: 0)  # all that a pipe lacks
    watching = asyncio.create_task(oom_watcher.run(lambda *each: told.put_nowait(each), path))
    os.write(writer, OF_NODE.encode())
    async with asyncio.timeout(WITHIN_S):
        assert await told.get() == (
            "Warning", "SystemOOM", "System OOM encountered, victim process: stress-ng-vm, pid: 4242"
        )  # fmt: skip
    watching.cancel()
    os.close(writer)
