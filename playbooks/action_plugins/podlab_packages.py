"""Ansible action: the module of this name, with package files that the controller keeps for other hosts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from podlab.deploy.remote.action import ActionModule as OnHost

CACHE = "cache"  # an argument of the action alone: the archive of package files on the controller


class ActionModule(OnHost):
    """What one host downloaded serves the others, and later deployments. The result is the module's."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        arguments = dict(self._task.args)
        cache = arguments.pop(CACHE, None)
        self._task.args = arguments
        if cache is None or self._task.check_mode:
            return super().run(tmp, task_vars)
        result: dict[str, Any] = super(OnHost, self).run(tmp, task_vars)
        seen = self.on_host("podlab_packages", arguments, task_vars, check=True)
        if seen.get("failed") or not seen["changed"]:
            return {**result, **seen}
        return {**result, **self._install(arguments, Path(cache), task_vars)}

    def _install(self, arguments: dict[str, Any], cache: Path, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        folder = self._make_tmp_path()
        try:
            archive = self._connection._shell.join_path(folder, "packages.tar")
            if cache.exists():
                self._transfer_file(str(cache), archive)
            done = self.on_host("podlab_packages", {**arguments, "archive": archive}, task_vars)
            if done.get("downloaded"):
                self._keep(archive, cache)
            return done
        finally:
            self._remove_tmp_path(folder, force=True)

    def _keep(self, archive: str, cache: Path) -> None:
        """Whole or not at all: several hosts may download at once."""
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_name(f".{cache.name}.{os.getpid()}")
        try:
            self._connection.fetch_file(archive, str(partial))
            partial.replace(cache)
        finally:
            partial.unlink(missing_ok=True)
