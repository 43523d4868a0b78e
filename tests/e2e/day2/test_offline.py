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
from pathlib import Path

import pytest
from podlab_testing.own_clusters import OwnCluster, cluster_maker
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome, parse
from podlab_testing.source_code import PROJECT

from podlab.deploy.debian import SUITES
from podlab.lab import inventory
from podlab.lab.spec import LabSpec

WITHIN_S = 900


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "bundle.tar"
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [program, "-i", "localhost,", PROJECT / "playbooks/bundle.yml", "-e", f"bundle={path}"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    assert done.returncode == 0, done.stdout[-4000:]
    return path


@pytest.fixture(scope="module")
def podlab(bundle: Path) -> Path:
    """The command, installed as INSTALL in the bundle says, with no index and none of this machine's settings."""
    subprocess.run(["tar", "-xf", bundle, "controller"], cwd=bundle.parent, check=True, timeout=WITHIN_S)
    (wheels,) = (bundle.parent / "controller").iterdir()
    venv = bundle.parent / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=WITHIN_S)
    install = [venv / "bin/pip", "install", "--quiet", "--no-index", "--find-links", wheels, "podlab"]
    subprocess.run(install, env=os.environ | {"PIP_CONFIG_FILE": os.devnull}, check=True, timeout=WITHIN_S)
    return venv / "bin/podlab"


@pytest.fixture(scope="module", params=SUITES)
def cluster(request: pytest.FixtureRequest) -> Iterator[OwnCluster]:
    """Hosts of the suite, one of them for Ingresses: each kind of package is needed."""
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    for make in cluster_maker("y"):
        spec = LabSpec(name=own_lab("y").name, masters=1, nodes=1, suite=request.param, isolated=True)
        yield make(spec, {"ingress": ["n1"], "etcd": ["m1"]})


@pytest.fixture(scope="module")
def deployed(podlab: Path, bundle: Path, cluster: OwnCluster) -> Outcome:
    return site(podlab, bundle, cluster)


def site(podlab: Path, bundle: Path, cluster: OwnCluster) -> Outcome:
    """The playbook of the installed command, with nothing in its cache and no index that answers."""
    nothing = {"XDG_CACHE_HOME": str(bundle.parent / "cache"), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    found = inventory.inventory_dir(cluster.lab.name, PROJECT)
    done = subprocess.run(
        [podlab, "playbook", "site", "-i", found, "-e", f"bundle={bundle}"],
        cwd=bundle.parent,
        env=os.environ | nothing | {"PODLAB_HOME": str(PROJECT), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    return parse(done.stdout + done.stderr, done.returncode)


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


def test_a_second_run_changes_nothing(deployed: Outcome, podlab: Path, bundle: Path, cluster: OwnCluster) -> None:
    again = site(podlab, bundle, cluster)
    assert (again.code, again.changed) == (0, set()), again.text[-4000:]


def test_what_was_deployed_is_what_it_should_be(deployed: Outcome, cluster: OwnCluster) -> None:
    done = cluster.cli.run("verify", timeout_s=300)
    assert done.returncode == 0, done.stdout[-4000:]


def test_reset_needs_no_way_out_either(deployed: Outcome, cluster: OwnCluster) -> None:
    outcome = cluster.play("reset.yml")
    assert outcome.code == 0, outcome.text[-4000:]
    assert cluster.on("n1", "dpkg-query -W -f '${db:Status-Status}' containerd 2>/dev/null || echo gone") == "gone"
    assert dropped(cluster) == ["0"]
