"""Ansible action on the controller: packs what hosts get of Podlab into one archive.

The same sources give the same digest, and nothing is packed twice. Needs Podlab's virtualenv.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy.images.elf import ProgramError
from podlab.deploy.release import bundle, sources, wheels

OPTIONS: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},  # where the archive is to be
    "target": {"type": "str", "required": True},  # the wheels that fit the hosts: cp311-x86_64
}


class ActionModule(ActionBase):
    """Result: `changed`, `digest`, `archive` and `images`."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        directory = Path(params["directory"])
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            release, packed = self._ensure(wheels.WheelPlatform.parse(params["target"]), directory)
        except (wheels.WheelError, ProgramError, OSError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        images = [dataclasses.asdict(image) for image in release.images]
        return {
            **result,
            "changed": packed,
            "digest": release.digest,
            "archive": str(release.archive),
            "images": images,
        }

    def _ensure(self, target: wheels.WheelPlatform, directory: Path) -> tuple[bundle.Release, bool]:
        root = sources.project_root()
        if self._task.check_mode:
            release = bundle.describe(root, target, directory)
            return release, not release.archive.exists()
        return bundle.ensure(root, target, directory, wheels.cache_directory())
