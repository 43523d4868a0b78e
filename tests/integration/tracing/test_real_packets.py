"""What is said of an imaginary packet is what a real one does; each test is a node of its own, in namespaces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.proxying import BACKENDS

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_real_packet_does_what_is_said_of_it_before(backend: str) -> None:
    run_apart("random_packets.py", backend)


def run_apart(script: str, *arguments: str) -> None:
    """Runs a script beside this file in a network and a mount namespace of its own, which go with it."""
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).with_name(script)), *arguments]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
