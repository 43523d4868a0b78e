"""Ansible action on the controller: is the inventory one that a cluster can be made of? Asks no host, fails once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from podlab.deploy.preflight.checks import inventory
from podlab.deploy.preflight.checks.loadbalancers import check_pool
from podlab.deploy.preflight.checks.masters import check_masters
from podlab.deploy.preflight.checks.pod_network import check_pod_network
from podlab.deploy.preflight.finding import Finding
from podlab.deploy.preflight.hosts.facts import Host
from podlab.deploy.preflight.hosts.hostvars import hosts_of
from podlab.deploy.preflight.outcome import Outcome, dump
from podlab.deploy.preflight.report import as_text

OPTIONS: dict[str, dict[str, Any]] = {
    "report": {"type": "str", "default": ""},  # the file that what is wrong is written to, for `podlab preflight`
}
ROLES = Path(__file__).resolve().parents[1] / "roles"


class ActionModule(ActionBase):
    """Result: `msg`, which names host, cause and remedy of each finding."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        found = inventory.merged(findings(task_vars or {}))
        if not found:
            return {**result, "changed": False}
        outcome = Outcome(hosts=(), seen={}, findings=found)
        if params["report"]:
            Path(params["report"]).write_text(dump(outcome))
        return {**result, "failed": True, "msg": as_text(outcome)}


def findings(variables: dict[str, Any]) -> Iterator[Finding]:
    groups = {str(name): list(map(str, hosts)) for name, hosts in variables["groups"].items()}
    sources = [source for source in map(str, variables.get("ansible_inventory_sources") or []) if "," not in source]
    yield from inventory.check_groups(groups, [source for source in sources if not Path(source).exists()])
    specs = {path.parents[1].name: read(path) for path in ROLES.glob("*/meta/argument_specs.yml")}
    options = {role: spec["argument_specs"]["variables"].get("options") or {} for role, spec in specs.items()}
    hosts = hosts_of(variables, everywhere=True, more=list(options["node"]))
    yield from inventory.check_hosts(hosts)
    yield from check_masters(groups, hosts)
    yield from check_pool(hosts)
    yield from check_pod_network(hosts)
    names = {host.name: list(map(str, variables["hostvars"][host.name])) for host in hosts}
    yield from inventory.check_names(names, known_names(options))
    for host in hosts:
        yield from types(host, variables["hostvars"][host.name], options)


def types(host: Host, own: dict[str, Any], options: dict[str, Any]) -> Iterator[Finding]:
    """What Ansible says of the types of a host's variables, which it would say of each host when a role begins."""
    roles = dict.fromkeys(role for group in sorted(host.groups) for role in inventory.ROLES[group])
    for role in roles:
        try:
            values = inventory.values_of(own, options[role])
            texts = inventory.texts_for_more(values, options[role])
            others = {name: value for name, value in values.items() if name not in texts}
            errors = ArgumentSpecValidator(options[role]).validate(others).errors
            messages = [f"unknown: {each}" if isinstance(each, UnsupportedError) else str(each) for each in errors]
            yield from inventory.wrong_texts(host.name, texts, options[role])
        except AnsibleError as error:  # a template that cannot be filled in
            messages = [str(error)]
        yield from inventory.wrong_values(host.name, messages)


def known_names(options: dict[str, Any]) -> set[str]:
    """All variables that any of our roles reads."""
    inner = [read(path) for kind in ("defaults", "vars") for path in ROLES.glob(f"*/{kind}/main.yml")]
    return {name for names in [*options.values(), *inner] for name in names}


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) or {}
    return content
