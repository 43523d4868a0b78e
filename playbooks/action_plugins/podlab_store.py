"""Ansible action: the module of this name, and the archive's way between a master and this machine.

Archives travel by the connection's own transfer of files, as the user who logs in: nothing of them is in a result, a
command line or a log, at any verbosity.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from podlab import __version__
from podlab.deploy import cluster_archive
from podlab.deploy.cluster_archive import ArchiveError, Manifest
from podlab.deploy.remote.action import ActionModule as OnHost

OPTIONS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "required": True},  # as the module's
    "cluster": {"type": "str", "default": ""},
    "directory": {"type": "path", "default": ""},  # .podlab/<cluster>: of `archived`
    "archive": {"type": "path", "default": ""},  # of a cluster, on this machine: of `restored`
    "settings": {"type": "str", "default": ""},  # on the host: of `restored` and `migrated`
    "to": {"type": "str", "default": "etcd"},  # of `migrated`
}
ON_HOST = "store.archive"


class ActionModule(OnHost):
    """Result: the module's; of `archived`, `archive` is the file on this machine, and `objects` how many it holds."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(OnHost, self).run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        state, moves = params["state"], not self._task.check_mode
        try:
            if state == "archived" and moves:
                return {**result, **self._archived(params["cluster"], Path(params["directory"]), task_vars)}
            if state == "restored" and moves:
                return {**result, **self._restored(params, task_vars)}
        except (ArchiveError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        asked = {name: params[name] for name in ("state", "cluster", "settings", "to")}
        return {**result, **self.on_host("podlab_store", asked, task_vars)}

    def _archived(self, cluster: str, directory: Path, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        backups = directory / "backups"
        backups.mkdir(mode=0o700, exist_ok=True)
        backups.chmod(0o700)
        fetched = backups / f".{ON_HOST}-{os.getpid()}"
        remote = self._make_tmp_path()
        try:
            answer = self.on_host("podlab_store", {"state": "archived", "path": f"{remote}/{ON_HOST}"}, task_vars)
            if answer.get("failed"):
                return answer
            self._connection.fetch_file(f"{remote}/{ON_HOST}", str(fetched))
            held: Any = answer["held"]
            target = backups / f"{cluster}-{held['taken'].replace(':', '')}.tar"
            told = Manifest(
                cluster_archive.FORMAT, cluster, held["taken"], __version__, held["revision"], held["objects"], {}
            )
            cluster_archive.pack(target, fetched, directory / "pki", told)
            cluster_archive.read(target)
        finally:
            fetched.unlink(missing_ok=True)
            self._remove_tmp_path(remote)
        return {
            "changed": True,
            "archive": str(target),
            "objects": sum(held["objects"].values()),
            "size_bytes": target.stat().st_size,
        }

    def _restored(self, params: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        archive = Path(params["archive"])
        extracted = archive.resolve().with_name(f".{ON_HOST}-{os.getpid()}")
        remote = self._make_tmp_path()
        try:
            cluster_archive.extract_store(archive, extracted)
            self._connection.put_file(str(extracted), f"{remote}/{ON_HOST}")
            asked = {"state": "restored", "path": f"{remote}/{ON_HOST}"}
            asked |= {name: params[name] for name in ("cluster", "settings")}
            return self.on_host("podlab_store", asked, task_vars)
        finally:
            extracted.unlink(missing_ok=True)
            self._remove_tmp_path(remote)
