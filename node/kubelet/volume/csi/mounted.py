"""What drivers have been asked to mount, written down before they are asked: what may be mounted is taken back."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_DIRECTORY = "csi"


@dataclass(frozen=True)
class Mounted:
    """One volume of one pod. `staged` is where it is for all pods of the node; empty where a driver stages nothing."""

    volume: str
    driver: str
    handle: str
    target: str
    staged: str = ""


class MountedVolumes:
    """A file for each in its pod's directory, so that it survives a restart. `pods` has one directory for each pod."""

    def __init__(self, pods: Path) -> None:
        self._pods = pods

    def of(self, uid: str) -> list[Mounted]:
        """Those of a pod. Raises OSError for a file that cannot be read."""
        return [_read(path) for path in sorted((self._pods / uid / _DIRECTORY).glob("*.json"))]

    def stages(self, mounted: Mounted, but: str) -> bool:
        """Whether another pod than `but` has the volume, too."""
        pods = self._pods.iterdir() if self._pods.is_dir() else ()
        mine = (mounted.driver, mounted.handle)
        others = (other for pod in pods if pod.name != but for other in self.of(pod.name))
        return any((other.driver, other.handle) == mine for other in others)

    def add(self, uid: str, mounted: Mounted) -> None:
        """Replaces the file at once: it is the old one or the new one. Raises OSError."""
        path = self._path(uid, mounted.volume)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(mounted)))
        beside.replace(path)

    def remove(self, uid: str, mounted: Mounted) -> None:
        self._path(uid, mounted.volume).unlink(missing_ok=True)
        if not self.of(uid):
            shutil.rmtree(self._pods / uid / _DIRECTORY, ignore_errors=True)

    def _path(self, uid: str, volume: str) -> Path:
        return self._pods / uid / _DIRECTORY / f"{volume}.json"


def _read(path: Path) -> Mounted:
    try:
        return Mounted(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise OSError(f"{path} cannot be read: {error}") from error
