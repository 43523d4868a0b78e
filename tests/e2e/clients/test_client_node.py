"""`@kubernetes/client-node`: client_node.cjs, by node's own test runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("client_node.cjs")
MODULES = Path(sys.prefix) / "node" / "node_modules"


def test_programs_for_node_js_do_what_they_do_elsewhere(kubeconfig: Path, namespace: str, crontabs: str) -> None:
    if not (MODULES / "@kubernetes" / "client-node").is_dir():
        pytest.skip("@kubernetes/client-node is not installed: scripts/bootstrap clients")
    given = {"KUBECONFIG": str(kubeconfig), "NODE_PATH": str(MODULES), "NAMESPACE": namespace, "GROUP": crontabs}
    done = subprocess.run(
        [Path(sys.executable).with_name("node"), "--test", "--test-reporter=spec", PROGRAM],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
