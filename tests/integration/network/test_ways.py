"""Nodes on two segments, joined by a router, in network namespaces: real devices, routes and packets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("two_segments.py", id="pods on two segments reach each other with packets of any size"),
        pytest.param("narrow_paths.py", id="preflight finds narrow paths and a closed port"),
        pytest.param("mended_ways.py", id="what others take away is put back, and what is theirs stays"),
        pytest.param("doors_of_pods.py", id="pods that run get the MTU that pods have now"),
        pytest.param("unused_bridge.py", id="the pods' bridge goes with the last pod"),
    ],
)
def test_real_packets(script: str) -> None:
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).with_name(script))]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
