"""Ansible action on the controller: which nodes the cluster has now, as its API server says.

By a process of its own: gRPC and the forks that Ansible makes of itself do not go together.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.release.sources import project_root

OPTIONS: dict[str, dict[str, Any]] = {"directory": {"type": "path", "required": True}}  # .podlab/<cluster>
WITHIN_S = 30


class ActionModule(ActionBase):
    """Result: `members`, their names, and `machines`, their machine ids by name.

    Both are null where there is no cluster yet, or it does not answer.
    """

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        asking = [sys.executable, "-m", "podlab.deploy.preflight.hosts.members", params["directory"]]
        try:
            told = subprocess.run(
                asking, cwd=project_root(), capture_output=True, text=True, check=False, timeout=WITHIN_S
            )
        except subprocess.TimeoutExpired as error:
            raise AnsibleActionFail(f"the API server did not name its nodes within {WITHIN_S} s") from error
        if told.returncode != 0:
            raise AnsibleActionFail(told.stderr.strip())
        machines = json.loads(told.stdout)
        members = list(machines) if machines is not None else None
        return {**result, "changed": False, "members": members, "machines": machines}
