"""Ansible action: what a host knows about itself, written to a folder on the controller for a support bundle.

A host that cannot be reached is a result, too: the others are told all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ansible.errors import AnsibleError

from podlab.deploy.preflight.hosts.unreachable import explain
from podlab.deploy.release.sources import project_root
from podlab.deploy.remote.action import ActionModule as Remote
from podlab.deploy.remote.program import Values
from podlab.deploy.support import parts
from podlab.deploy.support.redaction import Redactor
from podlab.deploy.variables import of_roles as variables_of


class ActionModule(Remote):  # type: ignore[misc] # Ansible has no types
    """Arguments: `directory`, the folder; `state`, the cluster's on the controller; all others are the module's."""

    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        variables = task_vars or {}
        arguments = dict(self._task.args)
        folder, state = Path(str(arguments.pop("directory"))), Path(str(arguments.pop("state")))
        host = str(variables["inventory_hostname"])
        known = parts.secrets_in(state) | parts.secret_variables(self._templar.template(self._secrets(variables)))
        self._write_cluster(folder, state, variables)
        try:
            found = self.on_host("podlab_collect", arguments, variables)
        except AnsibleError as error:
            why = explain(str(error))
            parts.write_unreachable(folder, parts.Unreachable(host, why.cause, why.remedy))
            return {"changed": False, "msg": why.cause}
        parts.write_host(folder, host, found["files"], Redactor(known))
        told = Redactor(known).text(json.dumps(self._told(variables["hostvars"][host]), indent=2, default=str))
        parts.write(parts.host_folder(folder, host), "settings/inventory.json", f"{told}\n")
        return {"changed": False}

    def _told(self, own: Mapping[str, object]) -> Values:
        """What the inventory says of the host that roles read, and where Ansible finds it."""
        names = [each.name for role in variables_of(project_root()) for each in role.variables]
        return {name: own[name] for name in [*names, "ansible_host", "ansible_user", "group_names"] if name in own}

    def _secrets(self, variables: Values) -> Values:
        return {name: value for name, value in variables.items() if parts.is_secret_name(name)}

    def _write_cluster(self, folder: Path, state: Path, variables: Values) -> None:
        """The same from every host."""
        hosts = list(map(str, variables["ansible_play_hosts_all"]))
        about = {"directory": str(state.expanduser()), "cluster": str(variables["podlab_cluster"]), "hosts": hosts}
        parts.write(folder, "cluster.json", json.dumps(about))
