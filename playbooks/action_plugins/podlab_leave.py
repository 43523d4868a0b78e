"""Ansible action on the controller: takes a node out of the cluster. Its host is not touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy import certificates
from podlab.deploy.nodes import leaving
from podlab.deploy.nodes.programs import WITHIN_S, AskedCluster, AskingError

OPTIONS: dict[str, dict[str, Any]] = {
    "node": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},  # .podlab/<cluster>
    "timeout_s": {"type": "int", "required": True},  # for the drain
    "force": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Result: `changed`, `msg`, and `warnings` of what was forced."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        cluster = AskedCluster(str(params["cluster"]), Path(params["directory"]))
        try:
            return {**result, **self._remove(cluster, str(params["node"]), params["timeout_s"], params["force"])}
        except AskingError as error:
            raise AnsibleActionFail(str(error)) from error

    def _remove(self, cluster: AskedCluster, name: str, timeout_s: int, force: bool) -> dict[str, Any]:
        there = cluster.standings([name])[name]
        if there is None:
            return {"changed": False, "msg": f"{name} is no node of the cluster"}
        if why := leaving.refusal(name, there, force=force):
            raise AskingError(why)
        warnings = self._drain(cluster, name, timeout_s, force) if there.ready != "Unknown" else []
        if self._task.check_mode:
            return {"changed": True, "msg": f"{name} would leave the cluster", "warnings": warnings}
        cluster.delete(name)
        certificates.forget_node(cluster.directory / "pki", name)
        told = f"{name} is no node of the cluster any more, and its certificates are refused"
        return {"changed": True, "msg": told, "warnings": warnings}

    def _drain(self, cluster: AskedCluster, name: str, timeout_s: int, force: bool) -> list[str]:
        """What it could not do, where that does not matter."""
        arguments = leaving.drain_arguments(name, timeout_s, force=force, check=bool(self._task.check_mode))
        drained = cluster.podlab(arguments, timeout_s + WITHIN_S)
        if drained.returncode == 0:
            return []
        if not force:
            raise AskingError(leaving.not_drained(name, drained.stderr))
        return [drained.stderr.strip().splitlines()[-1]]
