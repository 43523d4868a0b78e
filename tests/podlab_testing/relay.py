"""A TCP relay as a process of its own: it can be killed and frozen as an API server on another host can."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the other side is told by the end
    finally:
        writer.close()


async def _relay(port: int, target: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", target)
        print("+", flush=True)
        await asyncio.gather(_pass_on(reader, onward[1]), _pass_on(onward[0], writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    print("listens", flush=True)
    await server.serve_forever()


class Relay:
    """What connects to `port` is connected to `target`, on loopback."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._process: Process | None = None
        self.connections = 0
        """So many it has had since it was started."""
        self._counting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, str(self.port), str(self._target), stdout=PIPE
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"listens\n"
        self.connections = 0
        self._counting = asyncio.create_task(self._count(self._process.stdout))

    async def _count(self, told: asyncio.StreamReader) -> None:
        while await told.readline():
            self.connections += 1

    def send(self, signum: signal.Signals) -> None:
        """As `kill` does."""
        assert self._process is not None
        self._process.send_signal(signum)

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._counting is not None:
            await self._counting


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]), int(sys.argv[2])))
