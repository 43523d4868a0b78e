"""Figures at the port that monitoring asks, over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import until

from node.dns import metrics

TEXT = metrics.render({"answered": 3, "absent": 1}, 7)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where TEXT is served."""

    async def read() -> str:
        return TEXT

    with reserved_ports(1) as (number,):
        serving = asyncio.create_task(metrics.serve("127.0.0.1", read, port=number))
        await until(lambda: _is_open(number), "the port is open")
        yield number
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def asked(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer.decode()


def test_figures_are_in_the_text_format() -> None:
    assert "podlab_dns_names 7" in TEXT.splitlines()
    assert [line for line in TEXT.splitlines() if "result=" in line] == [
        'podlab_dns_questions_total{result="absent"} 1',
        'podlab_dns_questions_total{result="answered"} 3',
    ]


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        ("GET /metrics HTTP/1.1", "200 OK", TEXT),
        ("HEAD /metrics HTTP/1.1", "200 OK", ""),
        ("GET / HTTP/1.1", "404 Not Found", ""),
        ("POST /metrics HTTP/1.1", "404 Not Found", ""),
        ("nonsense", "404 Not Found", ""),
    ],
)
async def test_they_are_served_and_nothing_else(port: int, request_line: str, status: str, body: str) -> None:
    answer = await asked(port, f"{request_line}\r\nHost: x\r\n\r\n".encode())
    head, _, told = answer.partition("\r\n\r\n")
    assert (head.splitlines()[0], told) == (f"HTTP/1.1 {status}", body)


async def test_a_client_that_floods_is_cut_off_and_others_are_answered(port: int) -> None:
    assert await asked(port, b"x" * 20_000) == ""
    assert "200 OK" in await asked(port, b"GET /metrics HTTP/1.0\r\n\r\n")
