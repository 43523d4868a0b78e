"""What a part of the kubelet keeps over restarts: a JSON file that is whole, or was never written."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

_CHECKSUM = "checksum"
S = TypeVar("S", bound=Mapping[str, object])


class StateFile(Generic[S]):
    """`load` once, `save` after each change."""

    def __init__(self, path: Path, lost: str) -> None:
        """`lost` says what follows where the file cannot be read."""
        self._path = path
        self._lost = lost

    def load(self) -> S | None:
        """What was saved last; None when nothing was, or when something else has been made of it, which is logged.
        A file of an earlier release has no checksum."""
        try:
            content = json.loads(self._path.read_bytes())
            is_whole = content.pop(_CHECKSUM, None) in (None, _checksum(content))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError, OSError) as error:
            log.error("%s cannot be read: %s; %s", self._path, error, self._lost)
            return None
        if not is_whole:
            log.error("%s is corrupt; %s", self._path, self._lost)
            return None
        found: S = content
        return found

    def save(self, content: S) -> None:
        """Replaces the file at once, so that a kubelet that is killed leaves the old one or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps({**content, _CHECKSUM: _checksum(content)}))
        beside.replace(self._path)


def _checksum(content: Mapping[str, object]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
