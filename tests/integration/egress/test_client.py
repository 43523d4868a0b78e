"""Requests of the API server to Services, pods and URLs: real sockets, TLS, and a kubelet between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from podlab_testing.pod_servers import PodServers, ServerAuthority, echo
from podlab_testing.waiting import WITHIN_S

from master.apiserver.egress.client import EgressClient, OutgoingRequest
from master.apiserver.egress.destinations import Address, PodPort, ServiceReference, Trust
from podlab.errors import NotFound, ServiceUnavailable, Timeout

WEB = ServiceReference("default", "web")
BIG = b"x" * 3_000_000


def plain(method: str = "GET", path: str = "/", **more: object) -> OutgoingRequest:
    return OutgoingRequest(method, path, scheme="http", timeout_s=WITHIN_S, **more)  # type: ignore[arg-type]


async def test_a_service_is_asked_over_tls_by_its_name(
    pods: PodServers, egress: EgressClient, servers: ServerAuthority
) -> None:
    await pods.serve("web", echo, tls=servers.server("web.default.svc"))
    trust = Trust(servers.bundle, client_certificate=servers.client("front-proxy"))
    request = OutgoingRequest("POST", "/a%2Fb?timeout=10s", {"X-One": "1"}, b"body", trust, timeout_s=WITHIN_S)
    answer = await egress.call(WEB, request)
    assert answer.status == 200
    told = _json(answer.body)
    assert (told["method"], told["path"], told["body"]) == ("POST", "/a%2Fb?timeout=10s", "body")
    assert told["client"] == "front-proxy"
    assert told["headers"] == {"host": "web.default.svc", "x-one": "1", "content-length": "4"}


@pytest.mark.parametrize(
    ("names", "trusted", "name", "words"),
    [
        (["web.default.svc"], False, "", "tls: failed to verify certificate: x509: certificate signed by unknown"),
        (["other.default.svc"], True, "", "tls: failed to verify certificate: x509: .*web.default.svc"),
        (["other.default.svc"], True, "other.default.svc", ""),
    ],
)
async def test_a_server_proves_who_it_is(
    pods: PodServers,
    egress: EgressClient,
    servers: ServerAuthority,
    names: list[str],
    trusted: bool,
    name: str,
    words: str,
) -> None:
    await pods.serve("web", echo, tls=servers.server(*names))
    request = OutgoingRequest(
        "GET", "/", trust=Trust(servers.bundle if trusted else b"", server_name=name), timeout_s=WITHIN_S
    )
    if not words:
        assert (await egress.call(WEB, request)).status == 200
        return
    with pytest.raises(ServiceUnavailable, match=f'^Get "https://web.default.svc:443/": {words}'):
        await egress.call(WEB, request)


async def test_a_url_is_asked_directly_and_nothing_of_the_environment(
    pods: PodServers, egress: EgressClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    port = await pods.listen(echo)
    answer = await egress.call(f"http://127.0.0.1:{port}/hook", plain("POST", "?timeout=5s", body=b"x"))
    assert (_json(answer.body))["path"] == "/hook?timeout=5s"
    assert pods.kubelet.connected.total() == 0


async def test_what_is_not_there_is_named(pods: PodServers, egress: EgressClient, unused_port: int) -> None:
    cases: list[tuple[ServiceReference | PodPort | str, type[Exception], str]] = [
        (WEB, NotFound, 'Get "http://web.default.svc:443/": services "web" not found'),
        (ServiceReference("default", "empty"), ServiceUnavailable, 'no endpoints available for service "empty"'),
        (ServiceReference("default", "empty", 80), ServiceUnavailable, 'no service port 80 found for service "empty"'),
        (ServiceReference("default", "unready"), ServiceUnavailable, 'no endpoints available for service "unready"'),
        (PodPort("default", "nobody", 80), ServiceUnavailable, 'pods "nobody" not found'),
        (f"http://127.0.0.1:{unused_port}/", ServiceUnavailable, f"dial tcp 127.0.0.1:{unused_port}: connect: connect"),
        ("http://no-such-host.invalid/", ServiceUnavailable, "lookup no-such-host.invalid: no such host"),
        (PodPort("default", "here", unused_port), ServiceUnavailable, f"{unused_port}: connect: connection refused"),
    ]
    await pods.service("empty")
    await pods.service("unready")
    await pods.pod("here")
    await pods.endpoint("unready", unused_port, "here", ready=False)
    for to, kind, words in cases:
        path = "" if isinstance(to, str) else "/"
        with pytest.raises(kind, match=words):
            await egress.call(to, plain(path=path))


async def test_endpoints_share_the_requests_and_one_that_is_gone_is_passed_over(
    pods: PodServers, egress: EgressClient
) -> None:
    async def close(request: web.BaseRequest) -> web.Response:
        return web.Response(headers={"Connection": "close"})

    await pods.service("web")
    for name in ("a", "b", "c"):
        await pods.pod(name)
        await pods.endpoint("web", await pods.listen(close), name)
    pods.kubelet.gone.add("c")
    for _ in range(40):
        assert (await egress.call(WEB, plain())).status == 200
    assert pods.kubelet.connected.keys() - {"c"} == {"a", "b"}
    assert not pods.kubelet.connected["c"]


async def test_connections_are_kept_and_used_again(pods: PodServers, egress: EgressClient) -> None:
    await pods.serve("web", echo)
    for _ in range(5):
        assert (await egress.call(WEB, plain("POST", body=b"x"))).status == 200
    assert pods.kubelet.connected["web"] == 1
    await egress.close()
    await asyncio.wait_for(pods.kubelet.closed.wait(), WITHIN_S)
    assert pods.kubelet.open["web"] == 0


async def test_a_kubelet_that_starts_again_is_asked_again(pods: PodServers, egress: EgressClient) -> None:
    await pods.serve("web", echo)
    assert (await egress.call(WEB, plain("POST", body=b"x"))).status == 200
    await pods.restart_kubelet()
    assert (await egress.call(WEB, plain("POST", body=b"x"))).status == 200
    assert pods.kubelet.connected["web"] == 2
    await pods.stop_kubelet()
    with pytest.raises(ServiceUnavailable, match=r'the kubelet of node "n1" at .* cannot be reached'):
        await egress.call(WEB, plain("POST", body=b"x"))


async def test_bodies_stream_both_ways(pods: PodServers, egress: EgressClient) -> None:
    async def shout(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece.upper())
        await response.write_eof()
        return response

    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def said() -> AsyncIterator[bytes]:
        yield b"one"
        yield await heard.get()  # which the answer to the first has brought about
        yield BIG

    await pods.serve("web", shout)
    async with egress.request(WEB, plain("POST", body=said())) as response:
        first = await response.content.readany()
        heard.put_nowait(b"two")
        rest = await response.content.read()
    assert first + rest == b"ONETWO" + BIG.upper()


async def test_an_answer_that_takes_too_long_ends_by_the_deadline(pods: PodServers, egress: EgressClient) -> None:
    left = asyncio.Event()

    async def never(request: web.BaseRequest) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        raise AssertionError("nothing wakes it")

    await pods.serve("web", never)
    request = OutgoingRequest("POST", "/x", body=b"", scheme="http", timeout_s=0.3)
    with pytest.raises(Timeout, match=r'^Post "http://web.default.svc:443/x": context deadline exceeded$'):
        await egress.call(WEB, request)
    await asyncio.wait_for(left.wait(), WITHIN_S)


async def test_an_answer_that_is_too_long_is_refused(pods: PodServers, egress: EgressClient) -> None:
    async def long(request: web.BaseRequest) -> web.Response:
        return web.Response(body=BIG)

    await pods.serve("web", long)
    with pytest.raises(ServiceUnavailable, match="more than 1000 bytes"):
        await egress.call(WEB, plain(), most_bytes=1000)
    assert len((await egress.call(WEB, plain(), most_bytes=len(BIG))).body) == len(BIG)


async def test_a_redirect_is_an_answer(pods: PodServers, egress: EgressClient) -> None:
    async def elsewhere(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})

    await pods.serve("web", elsewhere)
    assert (await egress.call(WEB, plain())).status == 302


async def test_a_server_that_hangs_up_is_asked_once_more(pods: PodServers, egress: EgressClient) -> None:
    asked: list[bytes] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) == 2:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    await pods.pod("web")
    await pods.service("web")
    await pods.endpoint("web", await pods.listen_raw(rude), "web")
    assert (await egress.call(WEB, plain("POST", body=b""))).status == 204
    with pytest.raises(ServiceUnavailable, match="EOF"):
        await egress.call(WEB, plain("POST", body=b""))


@pytest.mark.parametrize("secure", [True, False])
async def test_a_connection_is_upgraded_and_bytes_pass_both_ways(
    pods: PodServers, egress: EgressClient, servers: ServerAuthority, secure: bool
) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Upgrade: shout\r\n" in head
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: Upgrade\r\n\r\nHI")
        while content := await reader.read(1 << 16):
            writer.write(content.upper())
            await writer.drain()
        writer.close()

    port = await pods.listen_raw(shout, servers.server("web.default.svc") if secure else None)
    await pods.pod("web")
    await pods.service("web")
    await pods.endpoint("web", port, "web")
    request = OutgoingRequest(
        "GET",
        "/",
        {"Upgrade": "shout", "Connection": "Upgrade"},
        trust=Trust(servers.bundle),
        scheme="https" if secure else "http",
        timeout_s=WITHIN_S,
    )
    async with asyncio.timeout(WITHIN_S), egress.upgraded(WEB, request) as upgraded:
        assert (upgraded.status, upgraded.headers["Upgrade"]) == (101, "shout")
        assert await upgraded.reader.readexactly(2) == b"HI"
        writing = asyncio.create_task(_write(upgraded.writer, BIG))
        assert await upgraded.reader.readexactly(len(BIG)) == BIG.upper()
        await writing
    await asyncio.wait_for(pods.kubelet.closed.wait(), WITHIN_S)


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_upgrade_that_is_refused_tells_why(pods: PodServers, egress: EgressClient, chunked: bool) -> None:
    async def refuse(request: web.BaseRequest) -> web.Response:
        response = web.Response(status=403, text="not you")
        if chunked:
            response.enable_chunked_encoding()
        return response

    await pods.serve("web", refuse)
    request = plain(headers={"Upgrade": "shout", "Connection": "Upgrade"})
    async with asyncio.timeout(WITHIN_S), egress.upgraded(WEB, request) as upgraded:
        assert upgraded.status == 403
        assert await upgraded.refusal() == b"not you"


async def test_what_is_no_pod_is_reached_at_its_address(pods: PodServers, egress: EgressClient) -> None:
    port = await pods.listen(echo)
    answer = await egress.call(Address("127.0.0.1", port), plain())
    assert _json(answer.body)["headers"]["host"] == f"127.0.0.1:{port}"
    assert pods.kubelet.connected.total() == 0


async def test_connections_are_counted(pods: PodServers, egress: EgressClient, unused_port: int) -> None:
    await pods.serve("web", echo)
    await egress.call(WEB, plain())
    with pytest.raises(ServiceUnavailable):
        await egress.call(PodPort("default", "web", unused_port), plain())
    samples = {
        (sample.name, sample.labels.get("protocol", "")): sample.value
        for metric in egress.figures.collect()
        for sample in metric.samples
    }
    assert samples["apiserver_egress_dialer_dial_start_total", "grpc"] == 2
    assert samples["apiserver_egress_dialer_dial_failure_total", "grpc"] == 1
    assert samples["apiserver_egress_dialer_dial_duration_seconds_count", "grpc"] == 1
    assert samples["apiserver_egress_tunnels", ""] == 1


def _json(body: bytes) -> Any:
    return orjson.loads(body)


async def _write(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()
