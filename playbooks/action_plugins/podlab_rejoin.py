"""Ansible action on the controller: a host that is another machine than its node was, or was wiped, may join.

Their nodes are deleted, with what speaks for them; the roles that follow join them anew. A node that lives on another
machine is left alone, and all ends there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy import certificates
from podlab.deploy.nodes import rejoining
from podlab.deploy.nodes.programs import AskedCluster, AskingError
from podlab.deploy.nodes.rejoining import Machine
from podlab.deploy.preflight.hosts.hostvars import hosts_of

OPTIONS: dict[str, dict[str, Any]] = {
    "cluster": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},  # .podlab/<cluster>
}
# How far the API server's clock may be ahead of this machine's; preflight has refused more.
CLOCKS_WITHIN_S = 30.0


class ActionModule(ActionBase):
    """Result: `changed`, `left`, the names of the nodes that were deleted, and `warnings`: why, and what was lost."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        cluster = AskedCluster(str(params["cluster"]), Path(params["directory"]))
        known, hosts = seen(task_vars or {})
        try:
            return {**result, **self._make_room(cluster, known, hosts)}
        except AskingError as error:
            raise AnsibleActionFail(str(error)) from error

    def _make_room(self, cluster: AskedCluster, known: dict[str, str], hosts: dict[str, Machine]) -> dict[str, Any]:
        new = rejoining.new_machines(hosts, known)
        if not new:
            return {"changed": False, "left": []}
        refuse_living(cluster, known, {name: hosts[name] for name in new})
        done = "would be deleted" if self._task.check_mode else "was deleted, and the host joins anew"
        told = [f"{name}: {why}; its Node {done}" for name, why in new.items()]
        if not self._task.check_mode:
            told += take_out(cluster, list(new))
        return {"changed": True, "left": list(new), "warnings": told}


def seen(variables: dict[str, Any]) -> tuple[dict[str, str], dict[str, Machine]]:
    """The machine ids of the cluster's nodes, and the run's nodes, as preflight saw both."""
    hostvars, found = variables["hostvars"], {}
    for host in hosts_of(variables):
        printed = hostvars[host.name].get("preflight_seen", {}).get("seen", {}).get("printed")
        if "nodes" in host.groups and printed:
            machine_id, kubelet = str(printed["machine_id"]), bool(printed["kubelet"])
            found[host.name] = Machine(machine_id=machine_id, address=host.cluster_address, kubelet=kubelet)
    machines = variables.get("preflight_members", {}).get("machines") or {}
    return json.loads(json.dumps(machines)), found


def refuse_living(cluster: AskedCluster, known: dict[str, str], hosts: dict[str, Machine]) -> None:
    """Raises AskingError for nodes that another machine still is, found by its next heartbeat."""
    first = cluster.standings(list(hosts))
    watched = {
        name: standing
        for name, standing in first.items()
        if standing is not None and rejoining.may_be_elsewhere(hosts[name], known[name], standing)
    }
    if not watched:
        return
    time.sleep(max(rejoining.watched_s(each) for each in watched.values()))
    again = cluster.standings(list(watched))
    living = [name for name, before in watched.items() if (now := again[name]) and now.renewed != before.renewed]
    if living:
        raise AskingError("; ".join(rejoining.refusal(name, hosts[name], watched[name]) for name in living))


def take_out(cluster: AskedCluster, names: list[str]) -> list[str]:
    """Returns once certificates that are made anew will be believed; what was lost, in words. Raises AskingError."""
    departed = cluster.depart(names)
    for name in names:
        certificates.forget_node(cluster.directory / "pki", name)
    wait_past(departed.server_time)
    claims = ", ".join(departed.volumes)
    return [f"{' and '.join(names)} had the data of these claims, which begin anew: {claims}"] if claims else []


def wait_past(second: int) -> None:
    """Returns when what this machine signs is later than that second. Raises AskingError where that takes too long."""
    rest_s = second + 1 - time.time()
    if rest_s > CLOCKS_WITHIN_S:
        raise AskingError(
            f"the API server's clock is {rest_s:.0f} s ahead of this machine's, and would refuse what is signed now: "
            "set both by NTP, and run again"
        )
    time.sleep(max(rest_s, 0.0))
