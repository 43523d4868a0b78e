"""`python tests/bench/controllers`: what many objects cost the controllers, a figure a line, in about five minutes.

`python tests/bench/controllers replicas` (or `services`, `jobs`, `removal`, `standing`) measures one part of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it warns of every server started beside open clients
# The servers and nodes to measure with are those of the other benchmarks.
sys.path += [str(Path(__file__).parents[1] / name) for name in ("api", "scheduler", "..")]

import jobs
import reference
import removal
import replicas
import services
import standing
import uvloop
from cluster import cluster

PARTS = {
    "replicas": replicas.measure,
    "services": services.measure,
    "jobs": jobs.measure,
    "removal": removal.measure,
    "standing": standing.measure,
}


async def _measure() -> None:
    await reference.measure()
    async with cluster() as measured:
        for name in sys.argv[1:] or PARTS:
            await PARTS[name](measured)
        measured.tell_memory()


if __name__ == "__main__":
    uvloop.run(_measure())
