"""Ansible inventory: the nodes of a running cluster, in groups by role, label and condition."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from podlab.deploy.cluster_hosts import hosts_of

DOCUMENTATION = r"""
name: podlab
short_description: The nodes of a running Podlab cluster
description:
  - Asks the cluster's API server for its Nodes, with the client configuration in C(.podlab/CLUSTER).
  - Every node is in the group C(nodes), in C(ready) or C(not_ready), and in C(role_X), C(label_KEY_VALUE),
    C(condition_TYPE_STATUS) and C(cordoned) as its Node object says. C(ansible_host) is its InternalIP.
  - The inventory's file is called C(podlab.yml) or ends in C(.podlab.yml).
options:
  plugin: {description: Always podlab., required: true, choices: [podlab]}
  cluster: {description: "The cluster's name; PODLAB_CLUSTER or lab when not given.", type: str, default: ""}
  variables: {description: "Variables that all hosts get: ansible_user and the like.", type: dict, default: {}}
author: [Podlab]
"""
WITHIN_S = 30


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc] # Ansible has no types
    NAME = "podlab"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("podlab.yml", "podlab.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        fill(inventory, str(self.get_option("cluster")), dict(self.get_option("variables")))


def fill(inventory: Any, cluster: str, common: dict[str, object]) -> None:
    """Put the cluster's nodes into Ansible's inventory; `common` are variables of all of them."""
    for host in hosts_of(nodes(cluster)):
        for group in host.groups:
            inventory.add_group(group)
            inventory.add_host(host.name, group)
        for name, value in {**common, **host.variables}.items():
            inventory.set_variable(host.name, name, value)


def nodes(cluster: str) -> list[object]:
    """The cluster's Nodes, by a process of its own: gRPC and Ansible's forks do not go together."""
    words = [*(["--cluster", cluster] if cluster else []), "get", "nodes", "-o", "json"]
    command = [sys.executable, "-m", "podlab.cli.main", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=WITHIN_S, env=dict(os.environ)
        )
    except subprocess.TimeoutExpired as error:
        raise AnsibleParserError(f"the API server did not name its nodes within {WITHIN_S} s") from error
    if done.returncode != 0:
        raise AnsibleParserError(f"podlab {' '.join(words)}: {done.stderr.strip()}")
    found: list[object] = json.loads(done.stdout)["items"]
    return found
