"""Ansible action on the controller: makes the archive for an offline install. Needs Podlab's virtualenv."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.images.elf import ProgramError
from podlab.deploy.offline.archive import BundleError
from podlab.deploy.offline.collecting import BundleOrder, collect
from podlab.deploy.offline.debs import System
from podlab.deploy.release import sources, wheels

OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},  # where it is to be
    "systems": {"type": "list", "elements": "str", "required": True},  # the hosts': debian-12-x86_64
    "packages": {"type": "list", "elements": "str", "required": True},  # Debian's, for a host of any kind
    "controllers": {"type": "list", "elements": "str", "default": []},  # Pythons of machines that deploy; this one's
}


class ActionModule(ActionBase):
    """Result: `changed`, `path`, `size_bytes`, and `podlab`, the release that it is for."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        path = Path(params["path"]).absolute()
        own = "cp{}{}-{}".format(*sys.version_info[:2], platform.machine())
        wanted = BundleOrder(
            systems=params["systems"], packages=params["packages"], controllers=params["controllers"] or [own]
        )
        try:
            for system in wanted.systems:
                System.parse(system)
            if self._task.check_mode:
                return {**result, "changed": True, "path": str(path)}
            made = collect(sources.project_root(), wanted, path, wheels.cache_directory())
        except (BundleError, wheels.WheelError, ProgramError, OSError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {
            **result,
            "changed": True,
            "path": str(path),
            "podlab": made.podlab,
            "size_bytes": path.stat().st_size,
        }
