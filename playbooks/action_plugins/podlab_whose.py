"""Ansible action on the controller: fails where a host belongs to another cluster, by what `podlab_look` saw of it.

For playbooks that hand out certificates and keys without the rest of preflight, which would keep them from hosts that
they are to mend.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.preflight import trusted
from podlab.deploy.preflight.checks.existing import found_clusters
from podlab.deploy.preflight.hosts.facts import Facts
from podlab.deploy.preflight.hosts.hostvars import hosts_of
from podlab.deploy.preflight.outcome import seen_from_json

OPTIONS: dict[str, dict[str, Any]] = {
    "pki": {"type": "path", "required": True},  # .podlab/<cluster>/pki
    "takes_over": {"type": "bool", "default": False},  # whether hosts of another cluster become this one's
}


class ActionModule(ActionBase):
    """Result: `msg`, which names host, cause and remedy, where one is another's."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        hosts, facts = hosts_of(task_vars or {}), _facts(task_vars or {})
        try:
            known = trusted.keys(Path(params["pki"]))
        except OSError as error:
            raise AnsibleActionFail(str(error)) from error
        found = [f"{each.host}: {each.cause}; {each.remedy}" for each in found_clusters(hosts, facts, known)]
        if found and not params["takes_over"]:
            return {**result, "failed": True, "msg": "\n".join(found)}
        return {**result, "changed": False}


def _facts(variables: dict[str, Any]) -> dict[str, Facts]:
    """Of the hosts that were seen."""
    found = {}
    for host in hosts_of(variables):
        seen = variables["hostvars"][host.name].get("preflight_seen", {}).get("seen")
        facts = seen_from_json(json.loads(json.dumps(seen))).facts() if seen else None
        if isinstance(facts, Facts):
            found[host.name] = facts
    return found
