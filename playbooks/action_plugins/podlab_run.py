"""Ansible action on the controller: runs one of Podlab's programs there, as the user who runs the playbook.

A delegated task would not do: it takes interpreter and privileges from the inventory, where they are meant for hosts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.release.sources import project_root

OPTIONS: dict[str, dict[str, Any]] = {
    "program": {"type": "str", "required": True},  # a Python module: podlab.deploy.preflight
    "arguments": {"type": "list", "elements": "str", "default": []},
    "cluster": {"type": "str", "required": True},
    "timeout_s": {"type": "int", "default": 300},
}


class ActionModule(ActionBase):
    """Changes nothing on any host, so it runs in check mode, too. A failure's message is what the program printed."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        command = [sys.executable, "-m", params["program"], *params["arguments"]]
        try:
            done = subprocess.run(
                command,
                cwd=project_root(),
                env={**os.environ, "PODLAB_CLUSTER": params["cluster"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=params["timeout_s"],
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AnsibleActionFail(f"{' '.join(command)} did not end within {params['timeout_s']} s") from error
        output = {"stdout": done.stdout, "stdout_lines": done.stdout.splitlines()}
        if done.returncode != 0:
            return {**result, **output, "failed": True, "msg": done.stdout.strip()}
        return {**result, **output, "changed": False}
