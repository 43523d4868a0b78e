"""The Ansible collection podlab.cluster, installed from its archive: modules, inventory, playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.deployed import IMAGE, PROJECT, Cli
from podlab_testing.playbook_run import parse

from podlab.lab import inventory
from podlab.lab.lab import Lab


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ansible-galaxy has installed it."""
    folder = tmp_path_factory.mktemp("collections")
    build = [sys.executable, str(PROJECT / "scripts/ansible_collection.py"), str(folder)]
    archive = subprocess.run(build, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    install = ["ansible-galaxy", "collection", "install", "--offline", archive, "-p", str(folder)]
    run(folder, *install)
    return folder


def run(collections: Path, program: str, *words: str, cluster: str = "") -> str:
    """What an Ansible program prints that knows the collection, and nothing of this checkout's own settings."""
    found = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    (settings := collections / "ansible.cfg").touch()
    found |= {"ANSIBLE_CONFIG": str(settings), "PODLAB_CLUSTER": cluster}
    command = [str(Path(sys.executable).with_name(program)), *words]
    done = subprocess.run(command, cwd=collections, env=found, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_modules_apply_find_label_and_delete(collections: Path, kubeconfig: Path, namespace: str, cli: Cli) -> None:
    node = cli.items("nodes")[0]["metadata"]["name"]
    given = {"kubeconfig": kubeconfig, "own_namespace": namespace, "image": IMAGE, "node": node}
    words = [f"-e{name}={value}" for name, value in {**given, "ansible_python_interpreter": sys.executable}.items()]
    playbook = str(Path(__file__).with_name("collection.yml"))
    run(collections, "ansible-playbook", "-i", "localhost,", "-c", "local", *words, playbook)


def test_the_inventory_has_the_nodes(collections: Path, lab: Lab, cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "podlab.yml"
    source.write_text(f"plugin: podlab.cluster.podlab\ncluster: {lab.name}\nvariables: {{ansible_user: root}}\n")
    told = json.loads(run(collections, "ansible-inventory", "-i", str(source), "--list", cluster=lab.name))
    assert sorted(told["ready"]["hosts"]) == sorted(each["metadata"]["name"] for each in cli.items("nodes"))


def test_modules_are_explained(collections: Path) -> None:
    assert "podlab.cluster.podlab_apply" in run(collections, "ansible-doc", "podlab.cluster.podlab_apply")


@pytest.mark.alone
def test_its_playbook_changes_nothing_on_a_cluster_that_is_right(collections: Path, lab: Lab) -> None:
    words = ["-i", str(inventory.inventory_dir(lab.name, PROJECT)), "podlab.cluster.site"]
    outcome = parse(run(collections, "ansible-playbook", *words, "-e", f"podlab_home={PROJECT}", cluster=lab.name), 0)
    assert outcome.changed == set()
    assert outcome.changes
