import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from podlab.lab.host.process import Process, children


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_again_after_its_record_was_written_and_read(sleeper: "subprocess.Popen[bytes]") -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    assert Process.from_json(process.to_json()) == process
    assert process.is_alive()
    assert sleeper.pid in children(os.getpid())


def test_an_ended_process_is_not_alive_even_while_it_is_a_zombie(sleeper: "subprocess.Popen[bytes]") -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    process.signal(signal.SIGKILL)
    assert process.wait(5.0)
    assert Process.of(sleeper.pid) is None


@pytest.mark.parametrize("stale", [{"started_ticks": 1}, {"boot_id": "an earlier boot"}])
def test_a_reused_pid_is_never_signalled(stale: dict[str, object], sleeper: "subprocess.Popen[bytes]") -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    other = replace(process, **stale)  # type: ignore[arg-type]
    assert not other.is_alive()
    other.signal(signal.SIGKILL)
    assert process.is_alive()


def test_a_wait_for_a_living_process_is_bounded() -> None:
    process = Process.of(os.getpid())
    assert process is not None
    assert not process.wait(0.0)
