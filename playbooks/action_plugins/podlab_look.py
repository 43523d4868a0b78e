"""Ansible action: what preflight wants to know of a host, asked over Ansible's own connection. Changes nothing there.

The scripts are sent as text to the host's python3, not as modules: a host that is too old for those shall say so.
`what: facts` runs the probe and opens the ports that others will try; `ports` tries those of others, how long packets
to them may be, and on masters who has the address that is to move between them; `firewall` reads the rules of a host
that could not be reached, `rules` those of any. What keeps us from a host is a result, too, judged with all others.
"""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from podlab.deploy.preflight.checks import floating, paths, ports
from podlab.deploy.preflight.hosts import address_trial, path_trial, port_trial, probe
from podlab.deploy.preflight.hosts.facts import Host
from podlab.deploy.preflight.hosts.hostvars import hosts_of
from podlab.deploy.preflight.hosts.unreachable import explain
from podlab.deploy.preflight.outcome import Connection, Seen, seen_to_json
from podlab.ports import VXLAN

OPTIONS: dict[str, dict[str, Any]] = {
    "what": {"type": "str", "required": True, "choices": ["facts", "ports", "firewall", "rules"]},
    # Whether ports that nobody holds are opened for the others' tries: not where they are somebody's who may start.
    "listen": {"type": "bool", "default": True},
}
ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


class _RefusedError(Exception):
    """The host did not do it; its words are the message."""


class ActionModule(ActionBase):
    """Result: `seen` and `opened`, or `trials`, `paths` and `owners`, or `firewall`; never failed."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        variables = task_vars or {}
        self._listen = bool(params["listen"])
        acts = {"facts": self._facts, "ports": self._try_ports, "firewall": self._firewall, "rules": self._rules}
        return {**result, "changed": False, **acts[params["what"]](variables)}

    def _facts(self, variables: dict[str, Any]) -> dict[str, Any]:
        connection = self._described(variables)
        try:
            self._command("true", variables)  # it is connected when the clock is compared
            sent_at = time.time()
            printed = self._script(probe, None, variables)
            received_at = time.time()
            awaited = ports.awaited_at(self._own(variables), hosts_of(variables))
            task = {"act": "listen", "host": self._name(variables), "awaited": awaited, "echo_port": VXLAN}
            task["senders"] = paths.echo_awaited(self._own(variables), hosts_of(variables))
            opened = self._script(port_trial, task, variables) if self._listen else {"open": [], "echo": False}
        except (_RefusedError, AnsibleError) as error:
            return {"seen": seen_to_json(Seen(connection=connection, unusable=explain(str(error))))}
        seen = Seen(connection=connection, printed=printed, sent_at=sent_at, received_at=received_at)
        return {"seen": seen_to_json(seen), "opened": opened}

    def _try_ports(self, variables: dict[str, Any]) -> dict[str, Any]:
        opened = _registered(variables, "preflight_seen", "opened")
        name = self._name(variables)
        if name not in opened:
            return {"trials": [], "paths": []}
        own, hosts = self._own(variables), hosts_of(variables)
        targets = ports.listeners_for(own, hosts, opened)
        trials = self._script(port_trial, {"act": "try", "host": name, "targets": targets}, variables)
        others = paths.targets_for(own, hosts, opened)
        tried = self._script(path_trial, {"host": name, "targets": others}, variables) if others else []
        return {"trials": trials, "paths": tried, **self._owners(variables)}

    def _owners(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Who has the address that is to be the masters'; nothing where there is none."""
        device = str(self._templar.template(variables.get("keepalived_interface", "")))
        asked = floating.asked_by(self._own(variables), hosts_of(variables, everywhere=True), device)
        return {"owners": self._script(address_trial, asked, variables)} if asked else {}

    def _firewall(self, variables: dict[str, Any]) -> dict[str, Any]:
        trials = _registered(variables, "preflight_port_trials", "trials")
        name = self._name(variables)
        failed = [(visitor, each) for visitor, targets in trials.items() for each in targets if each["fault"]]
        if not any(name in (visitor, target["host"]) for visitor, target in failed):
            return {"firewall": {}}
        return self._rules(variables)

    def _rules(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"firewall": self._script(port_trial, {"act": "firewall"}, variables)}

    def _script(self, script: ModuleType, task: dict[str, Any] | None, variables: dict[str, Any]) -> Any:
        """What a script of preflight's prints on the host, where it runs as root."""
        source = Path(str(script.__file__)).read_bytes()
        arguments = shlex.quote(json.dumps(task)) if task else ""
        printed = self._command(f"{self._python(variables)} - {arguments}", variables, source)
        try:
            return json.loads(printed.splitlines()[-1])  # before it comes what a login shell says
        except (ValueError, IndexError) as error:
            raise _RefusedError(f"{script.__name__} printed no facts: {printed[:200]!r}") from error

    def _command(self, command: str, variables: dict[str, Any], source: bytes | None = None) -> str:
        done = self._low_level_execute_command(command, sudoable=source is not None, in_data=source)
        if done["rc"] != 0:
            said = str(done["stderr"]).strip() or str(done["stdout"]).strip()
            raise _RefusedError(said.splitlines()[-1] if said else f"{command.split()[0]} ended with {done['rc']}")
        return str(done["stdout"])

    def _python(self, variables: dict[str, Any]) -> str:
        set_to = str(self._templar.template(variables.get("ansible_python_interpreter", "")))
        return set_to if "/" in set_to else "python3"

    def _described(self, variables: dict[str, Any]) -> Connection:
        """What Ansible made of variables, settings and options."""
        if self._connection.transport != "ssh":
            return Connection(plugin=self._connection.transport, host=self._name(variables))
        option = self._connection.get_option
        return Connection(
            plugin="ssh",
            host=str(option("host")),
            port=int(option("port")) if option("port") else None,
            user=str(option("remote_user")) if option("remote_user") else None,
            private_key_file=str(option("private_key_file")) if option("private_key_file") else None,
            arguments=tuple(str(option(name)) for name in ARGUMENTS if option(name)),
        )

    def _name(self, variables: dict[str, Any]) -> str:
        return str(variables["inventory_hostname"])

    def _own(self, variables: dict[str, Any]) -> Host:
        return next(host for host in hosts_of(variables) if host.name == self._name(variables))


def _registered(variables: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    """What an earlier task found, by host; without those for which it found nothing."""
    hostvars = variables["hostvars"]
    found = {host: hostvars[host].get(name, {}) for host in variables["ansible_play_hosts_all"]}
    return {host: result[key] for host, result in found.items() if key in result}
