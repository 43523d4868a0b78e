"""Joining a container's streams, against a server that speaks SPDY as a runtime's does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from podlab_testing.kubelet_pods import Listen
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.runtime import Runtime
from node.kubelet.server.attach import attach
from podlab import spdy
from podlab.core.v1 import pod_pb2
from podlab.errors import InternalError
from podlab.v1 import kubelet_pb2


@dataclass
class Attached:
    """Serves the streams once; keeps what was asked, and how many streams were opened."""

    url: str = ""
    asked: list[tuple[bool, bool]] = field(default_factory=list)
    streams: int = 0

    async def discard_stdin(self, container_id: str) -> bool:
        return False

    async def attach_url(self, container_id: str, *, stdin: bool, tty: bool) -> str:
        self.asked.append((stdin, tty))
        return self.url

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        buffer = bytearray()
        while self.streams < 3:
            buffer += await reader.read(1024)
            self.streams += sum(1 for _ in spdy.split(buffer))
        writer.write(spdy.data_frame(3, b"said") + spdy.data_frame(1, b'{"status":"Success"}', last=True))
        await writer.drain()


async def _run(runtime: Attached, spec: pod_pb2.Container, *, stdin: bool) -> list[kubelet_pb2.AttachResponse]:
    async def nothing() -> AsyncIterator[kubelet_pb2.AttachRequest]:
        return
        yield

    start = kubelet_pb2.AttachStart(stdin=stdin)
    async with asyncio.timeout(WITHIN_S):
        return [one async for one in attach(cast(Runtime, runtime), "c1", spec, start, nothing())]


async def test_output_arrives_and_the_end_is_told(listen: Listen) -> None:
    runtime = Attached()
    runtime.url = f"http://127.0.0.1:{await listen(runtime.serve)}/attach/token"
    first, last = await _run(runtime, pod_pb2.Container(), stdin=False)
    assert (first.stdout, last.end.message) == (b"said", "")


@pytest.mark.parametrize(
    ("stdin", "made", "asked"),
    [
        (True, pod_pb2.Container(), (False, False)),
        (True, pod_pb2.Container(stdin=True), (True, False)),
        (False, pod_pb2.Container(stdin=True, tty=True), (False, True)),
    ],
)
async def test_the_container_says_whether_there_is_an_input_or_a_terminal(
    stdin: bool, made: pod_pb2.Container, asked: tuple[bool, bool], unused_port: int
) -> None:
    runtime = Attached(f"http://127.0.0.1:{unused_port}/attach/token")
    with pytest.raises(InternalError):
        await _run(runtime, made, stdin=stdin)
    assert runtime.asked == [asked]
