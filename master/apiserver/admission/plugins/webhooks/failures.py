"""Tells the log of webhooks that cannot be asked: of each at once, and then now and then how often it was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from master.apiserver.admission.rules.webhooks.hook import Hook

EVERY_S: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    until_s: float
    untold: int = 0


@dataclass(slots=True)
class FailureLog:
    """One line for each webhook and EVERY_S seconds, however many writes meet it."""

    clock: Callable[[], float]
    _told: dict[str, _Told] = field(default_factory=dict)

    def failed(self, hook: Hook, message: str) -> None:
        """A call of the webhook failed."""
        now_s = self.clock()
        before = self._told.get(hook.key)
        if before is not None and now_s < before.until_s:
            before.untold += 1
            return
        more = f" (and {before.untold} times since it was told last)" if before is not None and before.untold else ""
        log.warning("%s%s", message, more)
        self._forget(now_s - EVERY_S)
        self._told[hook.key] = _Told(now_s + EVERY_S)

    def _forget(self, until_s: float) -> None:
        """Those that have not failed for a while: they may be webhooks that are no more."""
        for key in [key for key, told in self._told.items() if told.until_s < until_s]:
            del self._told[key]
