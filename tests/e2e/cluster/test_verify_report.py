"""What `podlab verify` says of the lab, as a document, and that nobody reads a secret in it."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from podlab_testing.deployed import PROJECT

from podlab.lab.lab import Lab

WITHIN_S = 300


def report(lab: Lab, form: str, *options: str) -> str:
    program = str(Path(sys.executable).with_name("podlab"))
    done = subprocess.run(
        [program, "--cluster", lab.name, "verify", "--report", form, *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.alone  # restarts of services are what it would call faults
def test_no_control_of_the_benchmark_fails(lab: Lab) -> None:
    told = json.loads(report(lab, "json", "-k", "not test_network"))
    assert told["counts"]["failed"] == 0
    states = {control["id"]: control.get("state", "") for control in told["benchmark"]["controls"]}
    assert set(states.values()) <= {"", "holds", "not looked at"}
    # Of what every cluster has, nothing was left out; without several masters there is no etcd.
    unseen = {name for name, state in states.items() if state == "not looked at"}
    assert all(name.startswith("2.") or name in {"1.1.7", "1.1.8", "1.2.23", "1.2.26"} for name in unseen), unseen


@pytest.mark.alone
def test_the_page_is_whole(lab: Lab) -> None:
    page = report(lab, "html", "-k", "hardening")
    HTMLParser().feed(page)
    assert page.rstrip().endswith("</html>")
    assert f"Verification of the cluster {lab.name}" in page
