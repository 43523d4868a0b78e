"""Hosts without a way out, and a machine that deploys without an index: all is in the archive that bundle.yml makes.

Podlab itself is installed out of it, as on a machine that has nothing of it. On each release of Debian that bundles are
for; what hosts send elsewhere is dropped, and counted.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from podlab_testing.deployed import nodes_ready, wait_until
from podlab_testing.other_releases import OtherRelease, following
from podlab_testing.own_clusters import OwnCluster, cluster_maker
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome, parse
from podlab_testing.source_code import PROJECT

from podlab.deploy.debian import SUITES
from podlab.lab import inventory
from podlab.lab.spec import LabSpec

WITHIN_S = 900
READY_WITHIN_S = 90
NEWER = following(1)


@dataclass(frozen=True)
class Offline:
    """A bundle, and the command that was installed out of it, as its INSTALL says: with no index, no settings of this
    machine's, and nothing in the cache."""

    bundle: Path
    podlab: Path

    @classmethod
    def made(cls, source: Path, folder: Path) -> Offline:
        """Of this or another release's sources."""
        path = folder / "bundle.tar"
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [program, "-i", "localhost,", "playbooks/bundle.yml", "-e", f"bundle={path}"]
        environment = os.environ | {"PYTHONPATH": str(source), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            command, cwd=source, env=environment, capture_output=True, text=True, check=False, timeout=WITHIN_S
        )
        assert done.returncode == 0, done.stdout[-4000:]
        subprocess.run(["tar", "-xf", path, "controller"], cwd=folder, check=True, timeout=WITHIN_S)
        (wheels,) = (folder / "controller").iterdir()
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=WITHIN_S)
        install = [folder / "venv/bin/pip", "install", "--quiet", "--no-index", "--find-links", wheels, "podlab"]
        subprocess.run(install, env=os.environ | {"PIP_CONFIG_FILE": os.devnull}, check=True, timeout=WITHIN_S)
        return cls(path, folder / "venv/bin/podlab")

    def play(self, cluster: OwnCluster, playbook: str, *options: str) -> Outcome:
        """A playbook of the installed command, with the bundle."""
        folder = self.bundle.parent
        nothing = {"XDG_CACHE_HOME": str(folder / "cache"), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        found = inventory.inventory_dir(cluster.lab.name, PROJECT)
        done = subprocess.run(
            [self.podlab, "playbook", playbook, "-i", found, "-e", f"bundle={self.bundle}", *options],
            cwd=folder,
            env=os.environ | nothing | {"PODLAB_HOME": str(PROJECT), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
        return parse(done.stdout + done.stderr, done.returncode)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    return Offline.made(PROJECT, tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    """Of the release that comes after this one."""
    release = OtherRelease.copied(tmp_path_factory.mktemp("newer"), NEWER)
    return Offline.made(release.folder, tmp_path_factory.mktemp("bundle-newer"))


@pytest.fixture(scope="module", params=SUITES)
def cluster(request: pytest.FixtureRequest) -> Iterator[OwnCluster]:
    """Hosts of the suite, one of them for Ingresses: each kind of package is needed. n2 is no node yet."""
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    for make in cluster_maker("y"):
        made = make(LabSpec(name=own_lab("y").name, masters=1, nodes=2, suite=request.param, isolated=True), {})
        group(made, "n1")
        yield made


def group(cluster: OwnCluster, *nodes: str) -> None:
    """The inventory has these nodes."""
    cluster.regroup({}, masters=["m1"], etcd=["m1"], nodes=[*nodes], ingress=["n1"])


@pytest.fixture(scope="module")
def deployed(offline: Offline, cluster: OwnCluster) -> Outcome:
    return offline.play(cluster, "site")


def dropped(cluster: OwnCluster) -> list[str]:
    """How many packets of the lab's hosts were for elsewhere."""
    asked = ["iptables", "--wait", "10", "-nvxL", "FORWARD"]
    rules = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout
    return re.findall(rf"^ *(\d+) +\d+ DROP .*pl-{cluster.lab.name} ", rules, re.MULTILINE)


def test_a_bundle_is_all_that_bare_hosts_need(deployed: Outcome, cluster: OwnCluster) -> None:
    assert deployed.code == 0, deployed.text[-4000:]
    cluster.pod_everywhere("web")
    assert "hello from" in cluster.ask_node_port("web", "n1")


def test_nothing_was_asked_elsewhere(deployed: Outcome, cluster: OwnCluster) -> None:
    assert dropped(cluster) == ["0"]


def test_what_hosts_are_is_what_the_suite_says(deployed: Outcome, cluster: OwnCluster) -> None:
    version = SUITES[cluster.lab.spec().suite].version
    assert cluster.on("n1", ". /etc/os-release; echo $VERSION_ID") == version
    assert f"Debian GNU/Linux {version}" in cluster.cli.items("nodes")[0]["status"]["nodeInfo"]["osImage"]


def test_a_second_run_changes_nothing(deployed: Outcome, offline: Offline, cluster: OwnCluster) -> None:
    again = offline.play(cluster, "site")
    assert (again.code, again.changed) == (0, set()), again.text[-4000:]


def test_what_was_deployed_is_what_it_should_be(deployed: Outcome, cluster: OwnCluster) -> None:
    done = cluster.cli.run("verify", timeout_s=300)
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_node_is_added_out_of_the_bundle(deployed: Outcome, offline: Offline, cluster: OwnCluster) -> None:
    group(cluster, "n1", "n2")
    outcome = offline.play(cluster, "add-node", "-e", "node=n2")
    assert outcome.code == 0, outcome.text[-4000:]
    assert cluster.pod_everywhere("web").keys() == {"n1", "n2"}
    assert "hello from" in cluster.ask_node_port("web", "n2")
    assert dropped(cluster) == ["0"]


def test_a_newer_release_comes_out_of_its_bundle(deployed: Outcome, newer: Offline, cluster: OwnCluster) -> None:
    outcome = newer.play(cluster, "upgrade")
    assert outcome.code == 0, outcome.text[-4000:]
    told = cluster.cli("info")
    assert len(re.findall(rf"^(?:m1|n1|n2) .*\+podlab\.{re.escape(NEWER)}\.", told, re.MULTILINE)) == 3, told
    again = newer.play(cluster, "upgrade")
    assert (again.code, again.changed) == (0, set()), again.text[-4000:]
    assert dropped(cluster) == ["0"]


def test_a_backup_is_restored_on_bare_hosts_out_of_the_bundle(
    deployed: Outcome, newer: Offline, cluster: OwnCluster
) -> None:
    found = re.search(r"(/\S+\.tar):\s+\d+ objects", newer.play(cluster, "backup").text)
    assert found
    assert newer.play(cluster, "reset").code == 0
    outcome = newer.play(cluster, "restore", "-e", f"backup={found[1]}")
    assert outcome.code == 0, outcome.text[-4000:]
    wait_until(lambda: nodes_ready(cluster.cli), "the nodes are Ready", READY_WITHIN_S)
    cluster.pod_everywhere("web")
    assert "hello from" in cluster.ask_node_port("web", "n2")
    assert dropped(cluster) == ["0"]


def test_reset_needs_no_way_out_either(deployed: Outcome, cluster: OwnCluster) -> None:
    outcome = cluster.play("reset.yml")
    assert outcome.code == 0, outcome.text[-4000:]
    assert cluster.on("n1", "dpkg-query -W -f '${db:Status-Status}' containerd 2>/dev/null || echo gone") == "gone"
    assert dropped(cluster) == ["0"]
