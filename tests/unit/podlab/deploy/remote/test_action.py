"""What modules of ours are told beside their arguments."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from podlab.deploy.remote.action import module_file, waiting


def test_hosts_that_are_as_fast_as_others_are_told_nothing() -> None:
    assert waiting("1") == ""


@pytest.mark.parametrize(("patience", "within_s"), [("1", 60), ("10", 600)])
def test_modules_wait_as_many_times_as_long(patience: str, within_s: int) -> None:
    told = dict([waiting(patience).split("=")]) if waiting(patience) else {}
    asked = f"import runpy; print(runpy.run_path({str(module_file('podlab_containerd'))!r})['WITHIN_S'])"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | told, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == within_s
