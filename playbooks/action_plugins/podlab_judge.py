"""Ansible action on the controller: preflight's verdict on all hosts at once. Fails when one is not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.cluster_archive import ArchiveError
from podlab.deploy.offline import archive
from podlab.deploy.offline.fit import check_bundle
from podlab.deploy.preflight import trusted
from podlab.deploy.preflight.checks.all import judge
from podlab.deploy.preflight.checks.existing import found_clusters, strays
from podlab.deploy.preflight.checks.floating import judged_owners
from podlab.deploy.preflight.checks.paths import judged_paths
from podlab.deploy.preflight.checks.ports import closed_ports
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts import probe
from podlab.deploy.preflight.hosts.facts import Facts
from podlab.deploy.preflight.hosts.hostvars import hosts_of
from podlab.deploy.preflight.outcome import Outcome, dump, seen_from_json
from podlab.deploy.preflight.report import as_text, has_errors
from podlab.deploy.release import wheels
from podlab.deploy.release.jumps import ReleaseVersion
from podlab.deploy.release.sources import packages_root, project_root

OPTIONS: dict[str, dict[str, Any]] = {
    "report": {"type": "str", "default": ""},  # the file that the outcome is written to, for `podlab preflight`
    "migrates": {"type": "bool", "default": False},  # whether the store is moved to where the inventory has it
    "bundle": {"type": "path", "default": ""},  # the archive that all is to be taken from
    "pki": {"type": "path", "required": True},  # .podlab/<cluster>/pki
    "backup": {"type": "path", "default": ""},  # the archive that the cluster's authority is to be taken from
    "takes_over": {"type": "bool", "default": False},  # whether hosts of another cluster become this one's
}


class ActionModule(ActionBase):
    """Result: `msg`, which names host, cause and remedy of each finding; warnings are Ansible's."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        try:
            bundle = archive.contents(Path(params["bundle"])) if params["bundle"] else None
            known = trusted.keys(Path(params["pki"]), Path(params["backup"]) if params["backup"] else None)
        except (archive.BundleError, ArchiveError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        outcome = _outcome(task_vars or {}, bundle, params, known)
        if params["report"]:
            Path(params["report"]).write_text(dump(outcome))
        told = as_text(outcome)
        if has_errors(outcome.findings):
            return {**result, "failed": True, "msg": told}
        warnings = [
            f"{found.host}: {found.cause}; {found.remedy}"
            for found in outcome.findings
            if found.severity is Severity.WARNING
        ]
        return {**result, "changed": False, "msg": told, "warnings": warnings}


def _outcome(
    variables: dict[str, Any], bundle: archive.Contents | None, params: dict[str, Any], known: frozenset[str]
) -> Outcome:
    hosts = hosts_of(variables)
    own = {host.name: variables["hostvars"][host.name] for host in hosts}
    seen = {name: seen_from_json(_plain(own[name]["preflight_seen"]["seen"])) for name in own}
    facts = {name: each.facts() for name, each in seen.items()}
    firewalls = _told(own, "preflight_firewall", "firewall")
    trials, paths, owners = (_told(own, "preflight_port_trials", key) for key in ("trials", "paths", "owners"))
    ways = [*closed_ports(trials, firewalls), *judged_paths(hosts, paths), *judged_owners(hosts, facts, owners)]
    release = ReleaseVersion.parse(probe.release(str(packages_root(project_root()))))
    reached = {name: each for name, each in facts.items() if isinstance(each, Facts)}
    others = found_clusters(hosts, reached, known, takes_over=params["takes_over"])
    findings = judge(hosts, facts, [*others, *ways], release, migrates=params["migrates"])
    members = own[hosts[0].name]["preflight_members"]["members"] or []
    strangers = strays(variables["groups"]["nodes"], _plain(members))
    wanted = wheels.requirements(project_root())
    offline = check_bundle(hosts, reached, bundle, wanted) if bundle else ()
    return Outcome(hosts=hosts, seen=seen, findings=[*findings, *strangers, *offline])


def _told(own: dict[str, Any], task: str, key: str) -> dict[str, Any]:
    """What a task found, by host; without those that it asked nothing of."""
    found = {name: each.get(task, {}) for name, each in own.items()}
    return {name: _plain(result[key]) for name, result in found.items() if key in result}


def _plain(value: Any) -> Any:
    """Ansible's values remember where they come from; these are for keeping."""
    return json.loads(json.dumps(value))
