from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from podlab.client.leaderelection.predecessor import succeeding


def test_the_next_process_knows_who_was_here(tmp_path: Path) -> None:
    file = tmp_path / "identity"
    for own, before in (("a-long-identity", ""), ("b", "a-long-identity"), ("c", "b")):
        with succeeding(file, own) as found:
            assert found == before


def test_without_a_file_nobody_is_known() -> None:
    with succeeding(None, "a") as found:
        assert found == ""


def test_a_living_process_has_no_successor_and_a_killed_one_has(tmp_path: Path) -> None:
    file = tmp_path / "identity"
    program = (
        "import sys, pathlib, signal\n"
        "from podlab.client.leaderelection.predecessor import succeeding\n"
        "with succeeding(pathlib.Path(sys.argv[1]), 'first'):\n"
        "    print('holds', flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, file], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"holds\n"
        with pytest.raises(RuntimeError, match="is another process's"), succeeding(file, "second"):
            pass
        os.kill(other.pid, signal.SIGKILL)
        other.wait(10)
    with succeeding(file, "second") as found:
        assert found == "first"
