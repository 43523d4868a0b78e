"""`podlab init HOST` and `podlab join HOST` on bare hosts, as somebody types them who has no checkout and no inventory,
but the wheel of `make dist` in an environment of its own, as pipx installs it.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from podlab_testing.own_labs import own_lab, wipe
from podlab_testing.source_code import PROJECT

from podlab.lab import ssh
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec

INSTALLED_WITHIN_S = 300
VERIFIED_WITHIN_S = 300


@dataclass(frozen=True)
class User:
    """Somebody whose clusters are in a directory of their own."""

    lab: Lab
    home: Path
    program: Path

    def __call__(self, *words: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if name != "PODLAB_CLUSTER"}
        return subprocess.run(
            [self.program, "--cluster", "mine", *words],
            cwd=self.home,
            env={**known, "PODLAB_HOME": str(self.home), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def deploys(self, *words: str) -> str:
        done = self(*words, *self.way)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return " ".join((done.stdout + done.stderr).split())

    @property
    def way(self) -> list[str]:
        """What a lab's hosts want to be reached by."""
        options = " ".join(ssh.options(self.lab.directory))
        return ["--private-key", str(self.lab.directory.key), f"--ssh-common-args={options}"]

    def address(self, host: str) -> str:
        return self.lab.spec().host(host).address

    def nodes(self) -> dict[str, str]:
        """Name to status."""
        done = self("get", "nodes")
        assert done.returncode == 0, done.stderr
        return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:]}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel, which finds nothing of this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True, timeout=INSTALLED_WITHIN_S)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=INSTALLED_WITHIN_S)
    install = [str(folder / "venv/bin/pip"), "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, timeout=INSTALLED_WITHIN_S)
    return folder / "venv/bin/podlab"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[User]:
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    own = own_lab("y")
    own.destroy()
    own.create(LabSpec(name=own.name, masters=1, nodes=1))
    yield User(own, tmp_path_factory.mktemp("home"), program)
    own.destroy()


def test_a_bare_host_becomes_a_cluster(user: User) -> None:
    said = user.deploys("init", f"root@{user.address('m1')}")
    assert "The cluster stands." in said
    assert user.nodes() == {"m1": "Ready"}
    assert (user.home / ".podlab/mine").stat().st_mode & 0o777 == 0o700
    refused = user("init", f"root@{user.address('m1')}")
    assert refused.returncode == 1
    assert "is there already: `podlab join HOST` adds a host" in refused.stderr


def test_somebody_else_makes_no_cluster_of_the_same_host(user: User, tmp_path: Path) -> None:
    other = replace(user, home=tmp_path)
    refused = other("init", f"root@{user.address('m1')}", *user.way)
    assert refused.returncode != 0
    told = " ".join((refused.stdout + refused.stderr).split())
    assert "it belongs to another cluster, mine, whose authority is" in told, told[-4000:]
    assert user.nodes() == {"m1": "Ready"}


def test_another_bare_host_joins_it(user: User) -> None:
    user.deploys("join", f"root@{user.address('n1')}")
    assert user.nodes() == {"m1": "Ready", "n1": "Ready"}


def test_what_was_made_runs_pods_and_a_second_run_changes_nothing(user: User) -> None:
    made = user("create", "deployment", "web", "--image", "podlab.local/hello:1.0", "--replicas", "2")
    assert made.returncode == 0, made.stderr
    assert user("rollout", "status", "deployment/web").returncode == 0
    said = user.deploys("up")
    assert said.count("changed=0 ") == 2, said[-2000:]


def test_what_was_made_is_verified_and_reported(user: User) -> None:
    words = ["verify", *user.way, "--report"]
    told = user(*words, "json", timeout_s=VERIFIED_WITHIN_S)
    assert told.returncode == 0, told.stderr[-4000:]
    report = json.loads(told.stdout)
    assert (report["counts"]["failed"], report["counts"]["passed"] > 100) == (0, True), report["counts"]
    assert {control.get("state", "") for control in report["benchmark"]["controls"]} >= {"holds"}
    page = user(*words, "html", "-k", "hardening", timeout_s=VERIFIED_WITHIN_S)
    assert page.returncode == 0, page.stderr[-4000:]
    assert page.stdout.startswith("<!doctype html>")
    assert "Verification of the cluster mine" in page.stdout


def test_a_host_that_was_wiped_joins_again_by_the_same_words(user: User) -> None:
    wipe(user.lab, "n1")
    said = user.deploys("join", f"root@{user.address('n1')}")
    assert "than node n1 was; its Node was deleted, and the host joins anew" in said
    assert user.nodes() == {"m1": "Ready", "n1": "Ready"}
