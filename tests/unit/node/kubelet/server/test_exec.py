"""Commands in containers, against a server that speaks SPDY as a runtime's does."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson
import pytest
from podlab_testing.kubelet_pods import Json, Listen
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.server import exec as module
from node.kubelet.server.exec import exec_in_container, exit_response
from node.kubelet.server.remote_command import StreamTimeouts
from podlab import spdy
from podlab.v1 import kubelet_pb2


@dataclass
class Server:
    """Answers stdin, in capitals, on stdout once it has ended; then says how the command ended."""

    status: Json = field(default_factory=lambda: {"status": "Success"})
    streams: dict[int, str] = field(default_factory=dict)
    resized: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n")
        inflate, given, ended = zlib.decompressobj(), b"", False
        while not (ended and len(self.streams) >= 4):
            first, second = struct.unpack("!II", await reader.readexactly(8))
            content = await reader.readexactly(second & 0xFFFFFF)
            if first & 0x80000000:
                assert first & 0xFFFF == spdy.SYN_STREAM
                name = inflate.decompress(content[10:]).rsplit(b"streamtype", 1)[1][4:].decode()
                self.streams[struct.unpack("!I", content[:4])[0]] = name
            elif self.streams[first] == "stdin":
                given += content
                ended = bool(second >> 24 & spdy.FIN)
            else:
                self.resized += content
        ids = {name: number for number, name in self.streams.items()}
        writer.write(spdy.control_frame(spdy.PING, struct.pack("!I", 1)))
        writer.write(spdy.data_frame(ids["stdout"], given.upper()))
        if "stderr" in ids:
            writer.write(spdy.data_frame(ids["stderr"], b"told"))
        writer.write(spdy.data_frame(ids["error"], orjson.dumps(self.status), last=True))
        await writer.drain()


@dataclass
class OneUrl:
    """A runtime of which only the address of the command's streams is asked."""

    url: str

    async def discard_stdin(self, container_id: str) -> bool:
        return False

    async def exec_url(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> str:
        if not self.url:
            raise RuntimeFailure("container is gone")
        return self.url


async def _run(
    listen: Listen, server: Server, *requests: kubelet_pb2.ExecRequest, tty: bool = False
) -> list[kubelet_pb2.ExecResponse]:
    port = await listen(server.serve)

    async def given() -> AsyncIterator[kubelet_pb2.ExecRequest]:
        for request in requests:
            yield request

    start = kubelet_pb2.ExecStart(command=["cat"], stdin=True, tty=tty)
    runtime = cast(Runtime, OneUrl(f"http://127.0.0.1:{port}/exec/token"))
    return [response async for response in exec_in_container(runtime, "c1", start, given())]


def _stdin(content: bytes) -> kubelet_pb2.ExecRequest:
    return kubelet_pb2.ExecRequest(stdin=content)


END = kubelet_pb2.ExecRequest(stdin_end=True)


async def test_input_is_carried_to_its_end_and_output_and_exit_code_come_back(listen: Listen) -> None:
    big = b"x" * (3 * spdy.MAX_DATA + 5)
    *output, last = await _run(listen, Server(), _stdin(big), _stdin(b"!"), END)
    assert b"".join(response.stdout for response in output) == b"X" * len(big) + b"!"
    assert b"".join(response.stderr for response in output) == b"told"
    assert last.exit == kubelet_pb2.ExecExit(code=0)


@dataclass
class Stuck:
    """Both outputs have ended; how the command did is told once what it did not read is thrown away."""

    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    tells: bool = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n")
        for stream in (5, 7):  # after error and stdin
            writer.write(spdy.data_frame(stream, b"y", last=True))
        await self.dropped.wait()
        if self.tells:
            writer.write(spdy.data_frame(1, orjson.dumps({"status": "Success"}), last=True))
        else:
            await reader.read()  # until the kubelet gives up


@dataclass
class Ending(OneUrl):
    """A runtime in which the command runs until it was asked a second time."""

    stuck: Stuck
    asked: int = 0

    async def discard_stdin(self, container_id: str) -> bool:
        self.asked += 1
        if self.asked > 1:
            self.stuck.dropped.set()
        return self.asked > 1


@pytest.mark.parametrize("content", [b"x" * 2**16, b"x" * 2**20])
@pytest.mark.parametrize("tells", [True, False])
async def test_a_command_that_ended_while_its_input_goes_on_ends_the_call(
    listen: Listen, content: bytes, *, tells: bool
) -> None:
    """containerd waits for room in its input before it tells the exit; input may be less than fills the connection."""
    timeouts = StreamTimeouts(first_pause_s=0.01, give_up_after_s=0.05, close_s=0.1)
    stuck = Stuck(tells=tells)
    runtime = Ending(f"http://127.0.0.1:{await listen(stuck.serve)}/exec/token", stuck)

    async def endless() -> AsyncIterator[kubelet_pb2.ExecRequest]:
        for _ in range(50):
            yield _stdin(content)
        await asyncio.Event().wait()

    start = kubelet_pb2.ExecStart(command=["head"], stdin=True)
    async with asyncio.timeout(WITHIN_S):
        responses = exec_in_container(cast(Runtime, runtime), "c1", start, endless(), timeouts)
        *output, last = [each async for each in responses]
    assert [response.stdout + response.stderr for response in output] == [b"y", b"y"]
    assert last.exit.code == (0 if tells else module.CANNOT_RUN)
    assert tells or "without telling how the command ended" in last.exit.message


async def test_a_terminal_has_one_output_and_a_size(listen: Listen) -> None:
    server = Server()
    size = kubelet_pb2.ExecRequest(resize=kubelet_pb2.TerminalSize(width=80, height=24))
    await _run(listen, server, size, END, tty=True)
    assert sorted(server.streams.values()) == ["error", "resize", "stdin", "stdout"]
    assert orjson.loads(server.resized) == {"Width": 80, "Height": 24}


async def test_a_runtime_that_refuses_is_the_exit_message() -> None:
    async def nothing() -> AsyncIterator[kubelet_pb2.ExecRequest]:
        return
        yield

    start = kubelet_pb2.ExecStart(command=["cat"])
    got = [each async for each in exec_in_container(cast(Runtime, OneUrl("")), "c1", start, nothing())]
    assert got[0].exit == kubelet_pb2.ExecExit(code=module.CANNOT_RUN, message="container is gone")


def test_the_status_tells_how_the_command_ended() -> None:
    failed = {
        "status": "Failure", "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }  # fmt: skip
    assert exit_response(orjson.dumps(failed)).exit.code == 7
    missing = {"status": "Failure", "message": 'exec: "x": executable file not found in $PATH'}
    assert exit_response(orjson.dumps(missing)).exit.code == module.NOT_FOUND
    assert exit_response(b"").exit.code == module.CANNOT_RUN
