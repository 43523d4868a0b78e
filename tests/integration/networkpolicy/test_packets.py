"""NetworkPolicies' rules in a kernel, with real packets; each test is a node of its own, in namespaces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def test_real_packets_pass_as_the_cases_say_while_rules_follow_each_other() -> None:
    run_apart("follow_cases.py")


def test_connections_are_cut_services_keep_addresses_and_there_is_no_way_around() -> None:
    run_apart("cut_connections.py")


def run_apart(script: str) -> None:
    """Runs a script beside this file in a network and a mount namespace of its own, which go with it."""
    command = ["unshare", "--net", "--mount", sys.executable, str(Path(__file__).with_name(script))]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
    assert done.returncode == 0, done.stderr
