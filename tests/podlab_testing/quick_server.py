"""A web server for pods: answers at once with its pod's name, keeps connections, and ends when it is told to.

Python's standard library only, as it runs with a node's Python.
"""

import asyncio
import os
import signal

NAME = os.environ.get("POD_NAME", "?")


class Requests(asyncio.Protocol):
    """A connection; what has been asked is answered before it ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            body = f"{NAME} {request.split(b' ')[1].decode()}".encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def main() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Requests, "", 8080)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
