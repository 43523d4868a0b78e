from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from podlab_testing.waiting import until

from node.command import CommandError, output


async def test_a_program_ends_with_whoever_waits_for_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    waiting = asyncio.create_task(
        output(["sh", "-c", f"echo $$ >{told}.new; mv {told}.new {told}; exec sleep 60"], package="dash")
    )
    await until(told.exists, "the program runs")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not psutil.pid_exists(int(told.read_text()))


async def test_a_program_that_takes_too_long_is_ended_and_named() -> None:
    with pytest.raises(CommandError, match=r"sleep: no answer within 0 s"):
        await output(["sleep", "60"], package="coreutils", timeout_s=0.05)
