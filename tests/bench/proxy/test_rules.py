"""1,000 Services with three endpoints each, written to a network namespace of the test's own by both backends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_rules_of_a_thousand_services(backend: str) -> None:
    command = ["unshare", "--net", sys.executable, str(Path(__file__).with_name("measure.py")), backend]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    print(done.stdout, end="")
