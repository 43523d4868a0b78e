"""Ansible action: how a host is at this moment, written to a folder on the controller.

A host that cannot be reached is left to preflight, which says why: it writes nothing, and the others do.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible.errors import AnsibleError

from podlab.deploy.remote.action import ActionModule as Remote
from podlab.deploy.remote.program import Values


class ActionModule(Remote):  # type: ignore[misc] # Ansible has no types
    """Arguments: `directory`, the folder, nowhere when empty; all others are the module's. Result: `pulse`."""

    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        variables = task_vars or {}
        arguments = dict(self._task.args)
        folder = str(arguments.pop("directory"))
        try:
            found = self.on_host("podlab_pulse", arguments, variables)
        except AnsibleError as error:
            return {"changed": False, "pulse": None, "msg": str(error)}
        if folder:
            told = {name: found[name] for name in ("pulse", "msg") if name in found}
            Path(folder, f"{variables['inventory_hostname']}.json").write_text(json.dumps(told))
        return found
