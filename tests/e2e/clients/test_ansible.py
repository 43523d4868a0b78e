"""Ansible's `kubernetes.core`: k8s, k8s_info and k8s_exec; server-side apply."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTIONS = Path(sys.prefix) / "collections"


def run(playbook: str, **given: object) -> None:
    """The playbook beside this file, with these variables."""
    if not (COLLECTIONS / "ansible_collections" / "kubernetes" / "core").is_dir():
        pytest.skip("kubernetes.core is not installed: scripts/bootstrap clients")
    command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local"]
    for name, value in {**given, "ansible_python_interpreter": sys.executable}.items():
        command += ["-e", f"{name}={value}"]
    done = subprocess.run(
        [*command, Path(__file__).with_name(playbook)],
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_playbook_creates_patches_finds_asks_and_deletes(kubeconfig: Path, namespace: str) -> None:
    run("objects.yml", kubeconfig=kubeconfig, own_namespace=namespace)


def test_a_playbook_applies_on_the_server(kubeconfig: Path, namespace: str, crontabs: str) -> None:
    run("applied.yml", kubeconfig=kubeconfig, own_namespace=namespace, group=crontabs)
