"""500 policies that all select the same 50 pods, in a network namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def test_changes_of_policies_and_pods() -> None:
    command = ["unshare", "--net", sys.executable, str(Path(__file__).with_name("measure.py"))]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    print(done.stdout, end="")
