"""`python tests/bench/api`: all figures of the API server, one a line, in less than five minutes."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it warns of every server started beside open clients

import memory
import rates
import reads
import selection
import uvloop
import watches


async def _measure() -> None:
    for part in (rates, reads, watches, selection, memory):
        await part.measure()


if __name__ == "__main__":
    uvloop.run(_measure())
