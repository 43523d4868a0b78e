"""Namespaces are attached by the plugins that pods are attached by; the test is a node of its own, in namespaces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.probing.attachment import PLUGINS

TESTS = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not (PLUGINS / "bridge").exists(), reason="containernetworking-plugins is not installed"),
]


def test_namespaces_probe_each_other_and_leave_nothing_however_they_end() -> None:
    script = str(Path(__file__).with_name("attach_and_probe.py"))
    command = ["unshare", "--net", "--mount", sys.executable, script, str(PLUGINS)]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=environment)
    assert done.returncode == 0, done.stderr
