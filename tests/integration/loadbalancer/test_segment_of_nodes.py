"""Responders as processes, each in a network namespace of its own on one bridge; a client asks them with real ARP."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def test_an_address_is_answered_for_and_moved_when_its_node_dies() -> None:
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).with_name("segment.py"))]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
