"""What the proxy's loop asks of whatever writes rules into the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from node.proxy.exposures import Delta
from node.tracing.tables import Table

Wanted = Callable[[], Sequence[Table]]


class Backend(Protocol):
    """Keeps a node's rules for Services. `name` is whose language they are in."""

    name: str

    async def write(self, delta: Delta) -> str:
        """Brings the change in force, and says what was written; empty when the kernel had it already.

        The first time, and after an error, it is everything that is compared with what stands, and written where it
        differs. Raises CommandError: then the change is remembered, and part of the next write.
        """

    async def verify(self) -> str:
        """Puts back what another program changed or removed of our rules, and says so. Raises CommandError."""

    async def clean_up_others(self) -> list[str]:
        """Removes what an earlier run wrote in other ways, and names these. Raises CommandError."""

    def wanted(self) -> Wanted:
        """Makes the tables as they are to be now, whatever changes meanwhile: with many Services it takes a second."""
