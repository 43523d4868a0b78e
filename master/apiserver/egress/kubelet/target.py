"""Where a component is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, as error messages name it. `host` is the name in the certificate that has to answer there.

    Without one, it is the address: nodes say their addresses themselves, and could name another's.
    """

    name: str
    address: str
    host: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.address}"
