"""Ansible action: systemd_service, which says why when a service does not start: with the last lines of its journal."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

LINES = 15


class ActionModule(ActionBase):
    """Arguments and result are those of ansible.builtin.systemd_service."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        module = "ansible.builtin.systemd_service"
        result: dict[str, Any] = self._execute_module(module, module_args=self._task.args, task_vars=task_vars)
        if result.get("failed"):
            result["msg"] = f"{result.get('msg', '')}\n{self._journal(self._task.args['name'], task_vars)}"
        return result

    def _journal(self, unit: str, task_vars: dict[str, Any] | None) -> str:
        argv = ["journalctl", f"--unit={unit}", f"--lines={LINES}", "--no-pager", "--output=cat"]
        shown = self._execute_module("ansible.builtin.command", module_args={"argv": argv}, task_vars=task_vars)
        return f"The end of {unit}'s journal:\n{shown.get('stdout', '')}"
