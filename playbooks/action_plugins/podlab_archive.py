"""Ansible action on the controller: the archive of a cluster is read, and its authority and keys are put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy import cluster_archive
from podlab.deploy.cluster_archive import ArchiveError, Manifest

OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "cluster": {"type": "str", "required": True},
    "pki": {"type": "path", "required": True},  # .podlab/<cluster>/pki
    "overwrite": {"type": "bool", "default": False},
    "extracted": {"type": "bool", "default": False},  # else it is only read
}


class ActionModule(ActionBase):
    """Result: `taken`, `release`, `revision` and `objects` of the archive; `aside`, where other keys were moved to."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        path, pki = Path(params["path"]), Path(params["pki"])
        try:
            manifest = cluster_archive.read(path)
            if manifest.cluster != params["cluster"]:
                raise ArchiveError(
                    path,
                    f"it is of cluster {manifest.cluster!r}, and podlab_cluster is {params['cluster']!r}",
                    "use that cluster's inventory, or another archive",
                )
            others = cluster_archive.differing(manifest, pki) if pki.exists() else []
            if others and not params["overwrite"]:
                raise ArchiveError(
                    path,
                    f"{pki} has other keys than it ({', '.join(others[:3])})",
                    "move that folder away, or say -e restore_overwrite=true, which does",
                )
            moves = params["extracted"] and (others or not pki.exists())
            aside = self._extract(path, pki, manifest) if moves and not self._task.check_mode else ""
        except (ArchiveError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        told = {name: getattr(manifest, name) for name in ("taken", "release", "revision", "objects")}
        return {**result, **told, "changed": bool(moves), "aside": aside}

    def _extract(self, path: Path, pki: Path, manifest: Manifest) -> str:
        """Where keys that were there are now; nothing is removed."""
        aside = ""
        if pki.exists():
            aside = str(pki.rename(free(pki.with_name(f"pki.before-{manifest.taken.replace(':', '')}"))))
        cluster_archive.extract_pki(path, pki)
        return aside


def free(path: Path) -> Path:
    """The path, or one like it that nothing has."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
