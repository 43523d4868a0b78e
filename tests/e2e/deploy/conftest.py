"""A lab of this folder's own, bare at the beginning, and a way to run playbooks on it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Play, player
from podlab_testing.source_code import PROJECT

from podlab.lab import inventory
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec


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
    return player(lab.name)
