"""Masters, each in a network namespace of its own, ask for the address that is to move between them by real ARP."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def test_an_address_that_a_stranger_has_is_found_and_one_that_a_master_has_is_not() -> None:
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).with_name("owned_address.py"))]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
