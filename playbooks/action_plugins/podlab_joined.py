"""Ansible action on the controller: fails when a node is not in the cluster, with all that is known of why."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase

from podlab.deploy.preflight.firewall import closing_rule

OPTIONS: dict[str, dict[str, Any]] = {
    "seen": {"type": "dict", "required": True},  # what podlab_ready returned
    "firewall": {"type": "dict", "default": {}},  # the master's rules, where one of its ports is closed
}


class ActionModule(ActionBase):
    """Result: `msg` when it failed."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        seen = json.loads(json.dumps(params["seen"]))
        if seen.get("ready"):
            return {**result, "changed": False}
        name = (task_vars or {})["inventory_hostname"]
        cause = seen.get("cause") or seen.get("msg", "nobody could ask")
        told = [f"Node {name} is not in the cluster: {cause}", *_rule(seen.get("closed_port", 0), params["firewall"])]
        return {
            **result,
            "failed": True,
            "msg": "\n".join([*told, "The end of podlab-kubelet's journal there:", *seen.get("journal", [])]),
        }


def _rule(port: int, firewall: dict[str, str]) -> list[str]:
    if not port:
        return []
    rule = closing_rule(firewall, port)
    where = f"On the master it is closed by {rule}." if rule else "No rule of the master closes it."
    return [f"{where} docs/ports.md lists the ports that must be open."]
