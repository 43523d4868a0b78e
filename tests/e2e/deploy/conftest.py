"""A lab of this folder's own, bare at the beginning, and a way to run playbooks on it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome, Play, parse
from podlab_testing.source_code import PROJECT

from podlab.lab import inventory
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec

PLAYBOOK_WITHIN_S = 300


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    own = own_lab("d")
    own.destroy()
    inventory.write(own.create(LabSpec(name=own.name, masters=1, nodes=1)), own.directory, PROJECT)
    yield own
    own.destroy()
    shutil.rmtree(PROJECT / ".podlab" / own.name)


@pytest.fixture(scope="session")
def play(lab: Lab) -> Play:
    """Run a playbook on the lab: `play("site.yml", "--check")`."""

    def run(playbook: str, *options: str) -> Outcome:
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory.inventory_dir(lab.name, PROJECT)]
        done = subprocess.run(
            [*command, PROJECT / "playbooks" / playbook, *options],
            cwd=PROJECT,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PLAYBOOK_WITHIN_S,
        )
        return parse(done.stdout + done.stderr, done.returncode)

    return run
