"""Clusters of this folder's own: each module makes a lab, deploys on it, and removes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
import yaml
from podlab_testing.deployed import Cli
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import player
from podlab_testing.source_code import PROJECT

from podlab.lab import inventory
from podlab.lab.spec import LabSpec


@pytest.fixture(scope="module")
def make_cluster() -> Iterator[MakeCluster]:
    """Makes the module's lab and its inventory; deploying is the caller's. `also` puts hosts into further groups."""
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    own = own_lab("n")

    def make(spec: LabSpec, also: dict[str, list[str]]) -> OwnCluster:
        own.destroy()
        path = inventory.write(own.create(spec), own.directory, PROJECT)
        content = yaml.safe_load(path.read_text())
        groups = content["all"]["children"]
        hosts = {name: each for group in groups.values() for name, each in group["hosts"].items()}
        for group, names in also.items():
            groups.setdefault(group, {"hosts": {}})["hosts"] |= {name: dict(hosts[name]) for name in names}
        path.write_text(inventory.HEADER + yaml.safe_dump(content, sort_keys=False))
        return OwnCluster(own, Cli(own.name), player(own.name))

    yield make
    own.destroy()
    shutil.rmtree(PROJECT / ".podlab" / own.name, ignore_errors=True)
