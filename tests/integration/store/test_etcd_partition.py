"""Members of etcd in network namespaces of their own, cut off from each other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.etcd import PROGRAM

TESTS = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM} (scripts/bootstrap servers)"),
]


def test_members_and_leaders_are_cut_off(tmp_path: Path) -> None:
    program = Path(__file__).with_name("partitioned_members.py")
    command = ["unshare", "--net", "--mount", sys.executable, str(program), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
