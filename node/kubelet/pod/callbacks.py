"""What those who work for a pod call: its worker, and the recorder of its events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """How the pod's worker is told of things: that it should look again, and events of the pod.

    An event is its type, reason and message, and the name of the container that it is about, or "".
    """

    event: Callable[[str, str, str, str], None]
    changed: Callable[[], None]
