"""What the parts of a pod's worker call when they have something to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class RecordEvent(Protocol):
    """Records an Event of the pod, or of the container that is named."""

    def __call__(self, event_type: str, reason: str, message: str, *, container: str = "") -> None: ...


@dataclass(frozen=True)
class PodCallbacks:
    """`event` records an Event. `wake_worker` makes the pod's worker look at API and runtime again."""

    event: RecordEvent
    wake_worker: Callable[[], None]
