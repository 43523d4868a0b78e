"""`python tests/bench/scheduler/timed.py FILE --config CONFIG`: podlab-scheduler, which writes into FILE what each
decision took, in microseconds, one a line."""

from __future__ import annotations

import os
import sys

from master.scheduler import main
from master.scheduler.cycle.decision_log import Decisions
from master.scheduler.cycle.explanation import Made
from podlab.api.objects import Key


def _timed(path: str) -> None:
    into = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    remember = Decisions.remember

    def tell_and_remember(self: Decisions, key: Key, made: Made) -> None:
        os.write(into, b"%d\n" % made.duration_us)
        remember(self, key, made)

    Decisions.remember = tell_and_remember  # type: ignore[method-assign]


if __name__ == "__main__":
    _timed(sys.argv.pop(1))
    main.main()
