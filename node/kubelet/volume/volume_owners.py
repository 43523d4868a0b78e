"""Which pods of this node use which persistent volumes: an empty file for each, so that a restart forgets nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

_DIRECTORY = "claimed"


class Users:
    """`pods` is the directory with one directory for each pod, named by its uid."""

    def __init__(self, pods: Path) -> None:
        self._pods = pods

    def uses(self, uid: str, volume: str) -> bool:
        """Whether the pod has the volume already."""
        return self._mark(uid, volume).exists()

    def others(self, uid: str, volume: str) -> bool:
        """Whether another pod has it."""
        pods = self._pods.iterdir() if self._pods.is_dir() else ()
        return any(self.uses(pod.name, volume) for pod in pods if pod.name != uid)

    def begin(self, uid: str, volume: str) -> None:
        mark = self._mark(uid, volume)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def end(self, uid: str) -> None:
        """No container of the pod runs any more. Success when it had nothing."""
        shutil.rmtree(self._pods / uid / _DIRECTORY, ignore_errors=True)

    def _mark(self, uid: str, volume: str) -> Path:
        return self._pods / uid / _DIRECTORY / volume
