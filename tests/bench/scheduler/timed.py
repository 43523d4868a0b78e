"""`python tests/bench/scheduler/timed.py FILE --config CONFIG`: podlab-scheduler, which writes into FILE what each
decision took, in microseconds, one a line."""

from __future__ import annotations

import os
import sys

from master.scheduler import main
from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.decision_log import DecisionLog
from podlab.api.objects import Key


def _timed(path: str) -> None:
    into = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    add = DecisionLog.add

    def tell_and_add(self: DecisionLog, key: Key, decision: Decision) -> None:
        os.write(into, b"%d\n" % decision.duration_us)
        add(self, key, decision)

    DecisionLog.add = tell_and_add  # type: ignore[method-assign]


if __name__ == "__main__":
    _timed(sys.argv.pop(1))
    main.main()
