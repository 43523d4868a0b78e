"""What is made of files, made again when they change on disk: certificates and authorities are renewed while a server
runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
_Signature = tuple[tuple[int, int, int], ...]

log = logging.getLogger(__name__)


class Renewed(Generic[T]):
    """Call it for the value of now. `make` reads the files and may raise OSError or ValueError: the first value is made
    at once, and its errors are raised; a later one that cannot be made leaves the one before, and is told of once."""

    def __init__(self, make: Callable[[], T], paths: Sequence[Path]) -> None:
        self._make = make
        self._paths = tuple(paths)
        self._made = make()
        self._of = self._signature()

    def __call__(self) -> T:
        """Costs a look at each file."""
        if (of := self._signature()) != self._of:
            self._of = of
            self._renew()
        return self._made

    def _renew(self) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._made = self._make()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            log.warning("%s changed and cannot be used, what was read before stays in force: %s", names, error)
        else:
            log.info("%s changed and is in force", names)

    def _signature(self) -> _Signature:
        """Files that are gone count as such: who replaces one may take it away first."""
        return tuple(map(_signature_of, self._paths))


def _signature_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
