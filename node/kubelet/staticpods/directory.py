"""Reads the pods of a directory's files again and again, each file when it has changed."""

from __future__ import annotations

import logging
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node.kubelet.staticpods.manifest import SIZE_LIMIT_BYTES, Malformed, decode
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# A file that is about to be written is not taken for one that is malformed: so long its pod is what it was.
KEEP_MALFORMED_S = 20.0
_Version = tuple[int, int, int]


@dataclass
class _File:
    version: _Version
    pod: pod_pb2.Pod | None
    malformed_since_s: float | None


@dataclass(frozen=True)
class Manifests:
    """The pods by uid, and why files cannot be run: told once for each version of a file."""

    pods: Mapping[str, pod_pb2.Pod]
    problems: Sequence[str] = ()


@dataclass
class ManifestDirectory:
    """`read` blocks."""

    path: Path
    node_name: str
    clock: Callable[[], float] = time.monotonic
    _files: dict[Path, _File] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)

    def read(self) -> Manifests:
        """What is there now: nothing where the directory is missing. Raises OSError."""
        self._problems.clear()
        found = self._versions()
        for gone in self._files.keys() - found.keys():
            del self._files[gone]
        for path, version in sorted(found.items()):
            known = self._files.get(path)
            if known is None or known.version != version:
                self._files[path] = self._parsed(path, version, known)
        pods = (self._pod(file) for _, file in sorted(self._files.items()))
        return Manifests({pod.metadata.uid: pod for pod in pods if pod is not None}, tuple(self._problems))

    def _versions(self) -> dict[Path, _Version]:
        found: dict[Path, _Version] = {}
        try:
            entries = [path for path in self.path.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return found
        for path in entries:
            try:
                status = path.stat()
            except OSError as error:
                log.debug("%s: %s", path, error)  # it has just gone, or is a link that leads nowhere
                continue
            if stat.S_ISREG(status.st_mode):
                found[path] = status.st_ino, status.st_mtime_ns, status.st_size
        return found

    def _parsed(self, path: Path, version: _Version, before: _File | None) -> _File:
        try:
            if version[2] > SIZE_LIMIT_BYTES:
                raise Malformed(f"it is larger than {SIZE_LIMIT_BYTES} bytes")
            pod = decode(path.read_bytes(), str(path), self.node_name)
            self._check_other_name(path, pod)
        except (Malformed, OSError) as error:
            self._problems.append(f"{path}: {error}")
            since_s = before.malformed_since_s if before is not None else None
            pod_before = before.pod if before is not None else None
            return _File(version, pod_before, self.clock() if since_s is None else since_s)
        return _File(version, pod, None)

    def _check_other_name(self, path: Path, pod: pod_pb2.Pod) -> None:
        name = pod.metadata.namespace, pod.metadata.name
        for other, file in self._files.items():
            taken = file.pod is not None and (file.pod.metadata.namespace, file.pod.metadata.name) == name
            if other != path and taken:
                raise Malformed(f"pod {name[0]}/{name[1]} is that of {other}")

    def _pod(self, file: _File) -> pod_pb2.Pod | None:
        since_s = file.malformed_since_s
        return None if since_s is not None and self.clock() - since_s > KEEP_MALFORMED_S else file.pod
