"""Run in pods and on nodes of a lab, alone: listens, and tries on request what gets through.

    prober.py serve TCP,TCP,... UDP,...     in a pod; requests come to port 9999, from the pod's own node
    prober.py ask '{"POD-ADDRESS": REQUEST, ...}'   on the node; prints {"POD-ADDRESS": ANSWER, ...}

A request is one of {"reach": [[address, protocol, port], ...]}, {"hold": [address, port]} (opens a connection),
{"speak": [address, port]} (whether that connection still carries something to the other end and back).
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CONTROL = 9999
WITHIN_S = 0.7


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
    writer.close()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answered = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if data == b"?":
            self.transport.sendto(b"!", addr)
        else:
            self.answered.set()


async def reach(address: str, protocol: str, port: int) -> bool:
    try:
        async with asyncio.timeout(WITHIN_S):
            if protocol == "tcp":
                _, writer = await asyncio.open_connection(address, port)
                writer.close()
                return True
            loop = asyncio.get_running_loop()
            transport, asked = await loop.create_datagram_endpoint(Datagrams, remote_addr=(address, port))
            transport.sendto(b"?")
            try:
                await asked.answered.wait()
            finally:
                transport.close()
            return True
    except (OSError, TimeoutError):
        return False


class Prober:
    def __init__(self) -> None:
        self.held: dict[tuple[str, int], Stream] = {}

    async def answer(self, request: dict[str, Any]) -> bool | list[bool]:
        (what, said), *_ = request.items()
        if what == "reach":
            return await asyncio.gather(*(reach(*target) for target in said))
        if what == "hold":
            self.held[tuple(said)] = await asyncio.open_connection(*said)
            return True
        reader, writer = self.held[tuple(said)]
        writer.write(b"still there?")
        try:
            async with asyncio.timeout(WITHIN_S):
                return bool(await reader.read(1024))
        except TimeoutError:
            return False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = await self.answer(json.loads(await reader.readline()))
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def serve(tcp: list[int], udp: list[int]) -> None:
    loop, prober = asyncio.get_running_loop(), Prober()
    for port in tcp:
        await asyncio.start_server(echo, "0.0.0.0", port, backlog=512)
    for port in udp:
        await loop.create_datagram_endpoint(Datagrams, local_addr=("0.0.0.0", port))
    await asyncio.start_server(prober.serve, "0.0.0.0", CONTROL)
    await asyncio.Event().wait()


async def ask(address: str, request: dict[str, Any]) -> Any:
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(address, CONTROL)
        writer.write(json.dumps(request).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        return answer


async def ask_all(requests: dict[str, dict[str, Any]]) -> None:
    answers = await asyncio.gather(*(ask(*each) for each in requests.items()))
    print(json.dumps(dict(zip(requests, answers, strict=True))))


if sys.argv[1] == "serve":
    asyncio.run(serve(*([int(port) for port in ports.split(",")] for ports in sys.argv[2:4])))
else:
    asyncio.run(ask_all(json.loads(sys.argv[2])))
