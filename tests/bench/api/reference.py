"""How fast this machine is: writes a second of a server that does nothing else (`bare.py`).

Figures of different machines can be compared by it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import load
import pods
from apiserver import make_tls, tell
from podlab_testing.ports import reserved_ports

from podlab.client.client import Client
from podlab.tls import Tls

READY_LIMIT_S = 20.0


async def measure() -> dict[int, float]:
    """Writes a second by the number of clients."""
    rates: dict[int, float] = {}
    async with _bare() as (address, tls):
        for count in load.GRPC_CLIENTS:
            async with AsyncExitStack() as clients:
                connected = [await clients.enter_async_context(Client(address, tls)) for _ in range(count)]
                writers = [lambda name, client=client: pods.create(client, name) for client in connected]
                rates[count] = len(await load.write(writers)) / load.WRITE_S
            tell(f"reference: grpc.aio, mTLS and a durable SQLite write alone, {count} clients", rates[count], "/s")
    return rates


@asynccontextmanager
async def _bare() -> AsyncIterator[tuple[str, Tls]]:
    with ExitStack() as held:
        name = held.enter_context(tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()))
        directory = Path(name)
        tls, (port,) = make_tls(directory / "pki"), held.enter_context(reserved_ports(1))
        command = (sys.executable, str(Path(__file__).with_name("bare.py")), name, str(port))
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(READY_LIMIT_S):
                if not await process.stdout.readline():
                    raise RuntimeError(f"{' '.join(command)} ended before it was ready")
            yield f"127.0.0.1:{port}", tls
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
