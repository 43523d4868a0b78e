"""The rendered rules in a real kernel, each test in a network namespace of its own, with each backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.proxying import BACKENDS

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


FAMILIES = ("IPv4", "IPv6")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_rules_read_back_as_written_and_go_without_trace(backend: str, family: str) -> None:
    run_apart("write_and_read_rules.py", backend, family)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("affinity.py", id="a client stays with its endpoint"),
        pytest.param("udp_flows.py", id="a UDP client is moved to the new endpoint"),
        pytest.param("sctp_flows.py", id="an SCTP client is moved to the new endpoint"),
        pytest.param("over_ipv6.py", id="IPv6 is led as IPv4 is"),
        pytest.param("mending.py", id="what others do to our rules is mended"),
    ],
)
def test_real_packets(script: str, backend: str) -> None:
    run_apart(script, backend)


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_rules_of_an_earlier_release_give_way_without_a_gap(backend: str) -> None:
    run_apart("take_over.py", backend)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_single_changes_make_of_an_nftables_table_is_what_would_be_written_anew(family: str) -> None:
    run_apart("change_nftables.py", family)


def test_a_backend_that_is_no_longer_used_is_left_without_our_rules_and_with_all_others() -> None:
    run_apart("switch_backends.py")


def run_apart(script: str, *arguments: str) -> None:
    """Runs a script beside this file in a network namespace of its own, which goes with it."""
    command = ["unshare", "--net", sys.executable, str(Path(__file__).with_name(script)), *arguments]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
