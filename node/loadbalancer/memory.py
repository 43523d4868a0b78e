"""What this node answered for, kept over a restart of the agent and not of the host: /run/podlab-proxy."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path


class Memory:
    """A file that is whole or not there. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written: frozenset[str] | None = None

    def read(self) -> frozenset[str]:
        """Nothing where there is none, or what is there was not written by us."""
        try:
            found = json.loads(self._path.read_text()) if self._path is not None else []
        except (FileNotFoundError, ValueError):
            return frozenset()
        return frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()

    def write(self, addresses: Collection[str]) -> None:
        """Raises OSError."""
        if self._path is None or self._written == frozenset(addresses):
            return
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(sorted(addresses)))
        os.replace(temporary, self._path)
        self._written = frozenset(addresses)
