"""What is made of files, made again when they change on disk: certificates, authorities and keys are renewed while a
component runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
_Signature = tuple[tuple[int, int, int], ...]

log = logging.getLogger(__name__)


class Renewed(Generic[T]):
    """Call it for the value of now. `make` reads the files and may raise OSError or ValueError: the first value is made
    at once, and its errors are raised; a later one that cannot be made leaves the one before, and is told of once. A
    certificate comes before its key or after it, so it is not told of at the first look, but when it stays so."""

    def __init__(self, make: Callable[[], T], paths: Sequence[Path]) -> None:
        self._make = make
        self._paths = tuple(paths)
        self._of = self._signature()  # before they are read: what changes meanwhile is read again
        self._made = make()
        self._refused = 0

    def __call__(self) -> T:
        """Costs a look at each file."""
        of = self._signature()
        if of != self._of or self._refused == 1:
            self._refused = self._refused if of == self._of else 0
            self._of = of
            self._renew()
        return self._made

    def _renew(self) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._made = self._make()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self._refused += 1
            if self._refused > 1:
                log.warning("%s changed and cannot be used, what was read before stays in force: %s", names, error)
        else:
            self._refused = 0
            log.info("%s changed and is in force", names)

    def _signature(self) -> _Signature:
        """Files that are gone count as such: who replaces one may take it away first."""
        return tuple(map(_signature_of, self._paths))


async def changes(ask: Callable[[], T], known: T, every_s: float = 1.0) -> AsyncGenerator[T, None]:
    """What `ask` says whenever that is another value than before, which was `known`; asked for ever."""
    while True:
        await asyncio.sleep(every_s)
        if (now := ask()) is not known:
            known = now
            yield now


def _signature_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
