"""Which pods of this node use which persistent volumes: an empty file for each, so that it survives a restart."""

from __future__ import annotations

import shutil
from pathlib import Path

_DIRECTORY = "claimed"


class VolumeOwners:
    """`pods` is the directory with one directory for each pod, named by its uid."""

    def __init__(self, pods: Path) -> None:
        self._pods = pods

    def has(self, uid: str, volume: str) -> bool:
        """Whether the pod uses the volume."""
        return self._mark(uid, volume).exists()

    def has_others(self, uid: str, volume: str) -> bool:
        """Whether another pod uses the volume."""
        pods = self._pods.iterdir() if self._pods.is_dir() else ()
        return any(self.has(pod.name, volume) for pod in pods if pod.name != uid)

    def add(self, uid: str, volume: str) -> None:
        mark = self._mark(uid, volume)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def remove_pod(self, uid: str) -> None:
        """The pod uses no volume any more. Success when it used none."""
        shutil.rmtree(self._pods / uid / _DIRECTORY, ignore_errors=True)

    def _mark(self, uid: str, volume: str) -> Path:
        return self._pods / uid / _DIRECTORY / volume
