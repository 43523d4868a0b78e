"""Ansible action: sends a release's archives to the host, where the module of this name unpacks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from podlab.deploy.remote.action import ActionModule as OnHost


class ActionModule(OnHost):
    """The module's arguments and result; its `archives` are files on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        arguments = dict(self._task.args)
        if self._task.check_mode:
            return super().run(tmp, task_vars)
        folder = self._make_tmp_path()
        try:
            arguments["archives"] = [self._sent(Path(archive), folder) for archive in arguments.get("archives", [])]
            self._task.args = arguments
            return super().run(tmp, task_vars)
        finally:
            self._remove_tmp_path(folder, force=True)

    def _sent(self, archive: Path, folder: str) -> str:
        return str(self._transfer_file(str(archive), self._connection._shell.join_path(folder, archive.name)))
