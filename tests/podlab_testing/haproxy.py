"""The node's HAProxy as its unit starts it, on loopback ports of a test's own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from node.ingress.config import Listening
from node.ingress.main import prepare
from node.ingress.page_server import SOCKET
from node.ingress.server import CURRENT, Server
from node.ingress.server import SOCKET as MASTER
from node.ingress.settings import IngressSettings
from podlab.tls import Tls
from podlab_testing.waiting import until

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")


@dataclass
class HaProxy:
    """One that runs for an `async with` block. `ports` are those for HTTP, HTTPS and the host's own eyes."""

    directory: Path
    ports: tuple[int, int, int]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def settings(self) -> IngressSettings:
        nobody = Tls(Path("ca"), Path("cert"), Path("key"))
        return IngressSettings(
            node_name="n1",
            apiserver="127.0.0.1:1",
            tls=nobody,
            hosts={"n1": "192.0.2.1"},
            directory=self.directory,
            haproxy=Path(str(HAPROXY)),
            http_port=self.ports[0],
            https_port=self.ports[1],
            admin_address=f"127.0.0.1:{self.ports[2]}",
        )

    @property
    def listening(self) -> Listening:
        settings = self.settings
        return Listening(settings.http_port, settings.https_port, settings.admin_address, self.directory / SOCKET)

    @property
    def server(self) -> Server:
        return Server(self.directory, self.settings.haproxy)

    async def start(self) -> None:
        prepare(self.settings)
        command = [str(HAPROXY), "-W", "-S", f"{self.directory / MASTER},mode,600"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it runs on
                [*command, "-f", str(self.directory / CURRENT / "haproxy.cfg")], stdout=log, stderr=log
            )
        await until(lambda: self.page("/metrics")[0] == 200, "HAProxy answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def page(self, path: str = "/") -> tuple[int, str]:
        """What the host is shown; 0 where nobody listens."""
        return _get(self.ports[2], path, {})

    def ask(self, host: str, path: str = "/", **headers: str) -> tuple[int, str]:
        """Status and body; 0 where nobody listens."""
        return _get(self.ports[0], path, {"Host": host, **headers})

    def shown(self, host: str) -> bytes:
        """The certificate that is shown to who asks for the host."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.ports[1]), timeout=5) as connection,
            context.wrap_socket(connection, server_hostname=host) as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


def _get(port: int, path: str, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionRefusedError:
        return 0, ""
    finally:
        connection.close()


@dataclass
class Pod:
    """An HTTP server on loopback that answers with its name and what it was asked."""

    name: str
    port: int = 0
    asked_slowly: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Answers below /slow wait for this."""
    _server: asyncio.Server | None = field(default=None, init=False)
    _connections: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for each in self._connections:
            each.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"upgrade: websocket" in head.lower():
                    await _echo(head, reader, writer)
                    return
                if head.startswith(b"GET /slow"):
                    self.asked_slowly.set()
                    await self.may_answer.wait()
                body = f"{self.name}\n{head.decode()}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def _echo(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Another protocol than HTTP from now on (RFC 6455, 4.2.2): what comes goes back."""
    key = head.lower().index(b"sec-websocket-key: ") + len(b"sec-websocket-key: ")
    given = head[key:].partition(b"\r\n")[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(given, usedforsecurity=False).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % accepted
    )
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
