"""What somebody sends who wants in, or wants the server down: it says no, and goes on for everybody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from podlab_testing.cluster import Cluster

SessionOf = Callable[[str | None], aiohttp.ClientSession]
YAML, PROTOBUF = "application/yaml", "application/vnd.kubernetes.protobuf"
# Everybody whom the server knows may ask this.
ASK = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize(
    ("media_type", "body", "code"),
    [
        (YAML, b"[" * 100_000, 400),
        (YAML, b"- " * 100_000, 400),
        (YAML, b"a: " + b"1" * 5000, 400),
        (YAML, b"a: &a [x]\n" + b"b: &a [*a, *a]\n" * 40, 400),
        (YAML, b"a: " + b"x" * (256 << 10), 413),
        (PROTOBUF, b"k8s\x00\x12\x80\x80\x80\x80\x08", 400),
    ],
)
async def test_bodies_that_would_bring_it_down_are_refused(
    session_of: SessionOf, media_type: str, body: bytes, code: int
) -> None:
    http = session_of("somebody")
    async with http.post(ASK, data=body, headers={"Content-Type": media_type}) as answer:
        assert answer.status == code
        assert (await answer.json())["kind"] == "Status"
    async with http.get("/livez") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("header", ["Host", "User-Agent", "Content-Type", "Impersonate-User"])
async def test_headers_that_are_no_text_are_refused(cluster: Cluster, base: str, header: str) -> None:
    port = int(base.rpartition(":")[2])
    tls = ssl.create_default_context(cafile=str(cluster.authority.tls().ca))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    head = b"GET /version HTTP/1.1\r\nConnection: close\r\n" + (b"" if header == "Host" else b"Host: a\r\n")
    writer.write(head + header.encode() + b": a\xffb\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"the headers of the request are not UTF-8" in answer


async def test_a_large_body_holds_nobody_else_up(session_of: SessionOf) -> None:
    large = b'{"x":[' + b",".join([b'{"a":1,"a":"%s"}' % (b"x" * 130)] * 6_000) + b"]}"
    busy, other = session_of("busy"), session_of("other")
    asked: Any = asyncio.create_task(busy.post(ASK, data=large, headers={"Content-Type": "application/json"}))
    answered = 0
    while not asked.done():
        async with other.get("/livez") as answer:
            answered += answer.status == 200
    async with await asked as answer:
        assert answer.status == 422
    assert answered > 3
