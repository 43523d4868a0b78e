"""How many replicas an object is to have, and has, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from podlab.api.selection import selectors


@dataclass(frozen=True, slots=True)
class Replicas:
    """`selector` is that of its pods, as text; empty where nothing is known of them."""

    wanted: int
    there: int
    selector: str


class Scaling(Protocol):
    """Where an object's kind keeps the number."""

    def replicas(self, message: Any) -> Replicas:
        """What the object says."""
        ...

    def set_replicas(self, message: Any, count: int) -> None:
        """So many are wanted from now on."""
        ...


class TypedScaling:
    """Of kinds whose messages have fields for it."""

    def replicas(self, message: Any) -> Replicas:
        """See Scaling."""
        selector = str(selectors.of_pods(message.spec.selector))
        return Replicas(message.spec.replicas, message.status.replicas, selector)

    def set_replicas(self, message: Any, count: int) -> None:
        """See Scaling."""
        message.spec.replicas = count


TYPED = TypedScaling()
