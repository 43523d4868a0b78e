"""Ansible's `kubernetes.core`: k8s, k8s_info and k8s_exec."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTIONS = Path(sys.prefix) / "collections"


def test_a_playbook_creates_patches_finds_asks_and_deletes(kubeconfig: Path, namespace: str) -> None:
    if not (COLLECTIONS / "ansible_collections" / "kubernetes" / "core").is_dir():
        pytest.skip("kubernetes.core is not installed: scripts/bootstrap clients")
    given = {"kubeconfig": str(kubeconfig), "own_namespace": namespace, "ansible_python_interpreter": sys.executable}
    command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local"]
    for name, value in given.items():
        command += ["-e", f"{name}={value}"]
    done = subprocess.run(
        [*command, Path(__file__).with_name("objects.yml")],
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
