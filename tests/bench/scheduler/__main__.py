"""`python tests/bench/scheduler`: all figures of the scheduler, one a line, in less than eight minutes.

`python tests/bench/scheduler rates` (or `decisions`, `waking`, `standing`) measures one part of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # services start from bytecode, as where they are installed
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it warns of every server started beside open clients
# The server to measure is the one that is measured in `api`; podlab_testing is two folders up.
sys.path += [str(Path(__file__).parents[1] / "api"), str(Path(__file__).parents[2])]

import decisions
import rates
import standing
import uvloop
import waking

PARTS = {"decisions": decisions.measure, "waking": waking.measure, "rates": rates.measure, "standing": standing.measure}


async def _measure() -> None:
    for name in sys.argv[1:] or PARTS:
        await PARTS[name]()


if __name__ == "__main__":
    uvloop.run(_measure())
