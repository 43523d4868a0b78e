"""Ansible action on the controller: what a rolling change does, step by step; fails for one that must not be made."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase

from podlab.deploy.release.rolling import Rolling, plan, refused

OPTIONS: dict[str, dict[str, Any]] = {
    "masters": {"type": "list", "elements": "str", "required": True},  # of this run
    "nodes": {"type": "list", "elements": "str", "required": True},  # of this run
    "batch": {"type": "int", "required": True},
    "drain": {"type": "bool", "required": True},
    "seen": {"type": "dict", "required": True},  # what podlab_health saw, by host
    "version": {"type": "str", "required": True},  # what hosts are to run
}


class ActionModule(ActionBase):
    """Result: `msg`, a line for each step, and `steps`, the same as a list."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, tagged = self.validate_argument_spec(OPTIONS)
        params = json.loads(json.dumps(tagged))  # Ansible's values remember where they come from
        asked = Rolling(params["masters"], params["nodes"], params["batch"], params["drain"])
        seen, version = params["seen"], params["version"]
        servers = [each["server"] for each in seen.values() if each["server"]]
        if why := refused(asked, servers[0] if servers else "", version):
            return {**result, "failed": True, "msg": f"{why.cause}; {why.remedy}"}
        try:
            lines = list(plan(asked, {name: running(asked, name, each) for name, each in seen.items()}, version))
        except ValueError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "msg": "\n".join(lines), "steps": lines}


def running(asked: Rolling, name: str, seen: dict[str, Any]) -> str:
    """The version that the host runs, as its API server or its kubelet says."""
    return str(seen["server"] if name in asked.masters else seen["node"].get("version", ""))
