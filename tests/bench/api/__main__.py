"""`python tests/bench/api`: all figures of the API server, one a line, in less than five minutes.

`python tests/bench/api --before CHECKOUT [LOAD ...]`: this release beside another, by loads whose names hold a word.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # podlab_testing
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it warns of every server started beside open clients

import applies
import batches
import bursts
import customkinds
import memory
import rates
import reads
import reference
import releases
import selection
import uvloop
import watches
import webhooks


async def _measure() -> None:
    await rates.measure(await reference.measure())
    for part in (reads, applies, batches, watches, selection, memory, customkinds, webhooks):
        await part.measure()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of another release, bootstrapped")
    parser.add_argument("words", nargs="*", help="loads whose names hold one of them; all without any")
    return parser.parse_args()


if __name__ == "__main__":
    wanted = _arguments()
    if wanted.before is None:
        uvloop.run(_measure())
    else:
        uvloop.run(releases.measure(wanted.before.resolve(), bursts.chosen(wanted.words)))
