"""`python tests/bench/api`: all figures of the API server, one a line, in less than five minutes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # podlab_testing
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it warns of every server started beside open clients

import batches
import customkinds
import memory
import rates
import reads
import reference
import selection
import uvloop
import watches


async def _measure() -> None:
    await rates.measure(await reference.measure())
    for part in (reads, batches, watches, selection, memory, customkinds):
        await part.measure()


if __name__ == "__main__":
    uvloop.run(_measure())
