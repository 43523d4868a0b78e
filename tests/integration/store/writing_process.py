"""The process that the crash test kills: writes without end, and tells each acknowledged commit on standard output.

Several writers commit at once, so that kills fall into groups of commits. Commit n of writer w puts the same number
into three keys and a new key `/log/w/n`, and deletes `/log/w/n-10`: all of it or nothing may be found later.
"""

import asyncio
import sys
from pathlib import Path

from master.store.contract import Delete, Put
from master.store.sqlite.store import SqliteStore

WRITERS = 8


async def _write(store: SqliteStore, writer: int) -> None:
    entry = await store.get(f"/a/{writer}")
    number = int(entry.value) if entry is not None else 0
    while True:
        number += 1
        value = str(number).encode()
        revision = await store.commit(
            [
                *(Put(f"/{part}/{writer}", value, None) for part in "abc"),
                Put(f"/log/{writer}/{number}", value * 200, 0),
                Delete(f"/log/{writer}/{number - 10}", None),
            ]
        )
        print(writer, number, revision, flush=True)
        if number % 50 == 0:
            await store.compact(max(0, revision - 100))


async def _main() -> None:
    store = await SqliteStore.open(Path(sys.argv[1]))
    print("open", flush=True)
    await asyncio.gather(*(_write(store, writer) for writer in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(_main())
