"""pods/proxy, services/proxy and nodes/proxy, over real sockets to servers behind a kubelet."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf
from podlab_testing.pod_servers import NODE, PodServers, ServerAuthority, echo
from podlab_testing.rbac import grant
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client

SPACE = "/api/v1/namespaces/default"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PAGE = '<html><a href="/rewriteme">test</a><img src="relative.png"></html>'
BIG = b"x" * 3_000_000


async def page(request: web.BaseRequest) -> web.Response:
    """A page; in gzip at /packed, elsewhere a redirect."""
    if request.path == "/packed":
        return web.Response(
            body=gzip.compress(PAGE.encode()), headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}
        )
    if request.path.startswith("/to/"):
        return web.Response(status=302, headers={"Location": request.path.removeprefix("/to"), "X-Is": "kept"})
    return web.Response(text=PAGE, content_type="text/html", headers={"Access-Control-Allow-Origin": "*"})


@pytest.fixture
async def served(pods: PodServers) -> int:
    """Service and pod web, whose server tells what it was asked. The pod's port."""
    return await pods.serve("web", echo, port=80)


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_arrives_with_its_path_query_and_body(
    http: aiohttp.ClientSession, served: int, method: str
) -> None:
    for at in (f"{SPACE}/pods/web:{served}/proxy", f"{SPACE}/services/web:80/proxy"):
        async with http.request(method, f"{at}/some/path//a%20b/?x=1&y=%26", data=b"said") as answer:
            told = await answer.json()
        assert answer.status == 200
        assert (told["method"], told["path"], told["body"]) == (method, "/some/path/a%20b/?x=1&y=%26", "said")
        assert told["headers"]["x-forwarded-uri"] == f"{at}/some/path/a%20b/"
        assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert told["headers"]["host"] == answer.url.authority


async def test_head_is_answered_without_a_body(http: aiohttp.ClientSession, served: int) -> None:
    async with http.head(f"{SPACE}/services/web:80/proxy/x") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_path_without_slash_leads_to_the_one_with_it(
    http: aiohttp.ClientSession, served: int, method: str
) -> None:
    at = f"{SPACE}/pods/web:{served}/proxy"
    async with http.request(method, f"{at}?a=%20b", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"{at}/?a=%20b")
    async with http.post(f"{at}?method=POST") as answer:
        assert (answer.status, (await answer.json())["path"]) == (200, "/?method=POST")


async def test_credentials_stay_here(session_of: SessionOf, cluster: Cluster, admin: Client, served: int) -> None:
    said = {
        "Impersonate-User": "jane",
        "X-Remote-User": "root",
        "Connection": "X-Hop, keep-alive",
        "X-Hop": "1",
        "TE": "trailers",
        "X-Kept": "yes",
        "Cookie": "a=b",
    }
    await grant(admin, "jane", "get", "services/proxy")
    async with session_of("kubernetes-admin").get(f"{SPACE}/services/web:80/proxy/", headers=said) as answer:
        told = (await answer.json())["headers"]
    assert not {"impersonate-user", "x-remote-user", "x-hop", "te", "authorization"} & told.keys()
    assert (told["x-kept"], told["cookie"]) == ("yes", "a=b")


async def test_names_have_schemes_and_ports(
    http: aiohttp.ClientSession, pods: PodServers, servers: ServerAuthority, served: int
) -> None:
    secure = await pods.listen(echo, servers.server("somebody.else"))
    await pods.pod("named", plain=served, secure=secure)
    await pods.service("named", 80, port_name="a")
    await pods.endpoint("named", served, "named", port_name="a")
    for name, status in (
        ("pods/named", 200),
        ("pods/named:", 200),
        ("pods/named:plain", 200),
        (f"pods/http:named:{served}", 200),
        ("pods/https:named:secure", 200),
        (f"pods/https:named:{secure}", 200),
        ("services/named:a", 200),
        ("services/named:80", 200),
        ("services/http:named:a", 200),
        ("services/web", 200),
        ("services/named", 503),
        ("services/named:b", 503),
        ("services/named:81", 503),
        ("pods/named:nobody", 503),
        ("pods/ftp:named:21", 400),
        ("services/a:b:c:d", 400),
        ("pods/nobody", 404),
        ("services/nobody:80", 404),
        ("nodes/nobody", 404),
    ):
        at = f"/api/v1/{name}" if name.startswith("nodes") else f"{SPACE}/{name}"
        async with http.get(f"{at}/proxy/") as answer:
            assert answer.status == status, (name, await answer.text())


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("services/empty", 503, 'no endpoints available for service "empty"'),
        ("services/https:empty:80", 503, 'no endpoints available for service "https:empty:80"'),
        ("services/empty:81", 503, 'no service port 81 found for service "empty:81"'),
        ("services/nobody:80", 404, 'services "nobody" not found'),
        ("pods/nobody", 404, 'pods "nobody" not found'),
        ("pods/here:x", 503, "error trying to reach service: dial tcp: lookup tcp/x: unknown port"),
        ("pods/here:99999", 503, "unknown port"),
        ("pods/pending", 400, "address not allowed"),
        ("pods/:80", 400, 'invalid pod request ":80"'),
        ("services/ftp:x:21", 400, 'invalid service request "ftp:x:21"'),
    ],
)
async def test_what_cannot_be_reached_is_told(
    http: aiohttp.ClientSession, pods: PodServers, name: str, status: int, words: str
) -> None:
    await pods.service("empty", 80)
    await pods.pod("here")
    await pods.pod("pending", running=False)
    async with http.get(f"{SPACE}/{name}/proxy/") as answer:
        told = await answer.json()
    assert (answer.status, told["code"], told["kind"]) == (status, status, "Status")
    assert words in told["message"]


async def test_a_port_that_nobody_listens_on_is_told_by_the_kubelet(
    http: aiohttp.ClientSession, pods: PodServers, free_ports: tuple[int, ...]
) -> None:
    await pods.pod("here")
    async with http.get(f"{SPACE}/pods/here:{free_ports[1]}/proxy/") as answer:
        told = await answer.json()
    assert (answer.status, told["reason"]) == (503, "ServiceUnavailable")
    wanted = f"error trying to reach service: dial tcp 127.0.0.1:{free_ports[1]}: connect: connection refused"
    assert told["message"] == wanted


async def test_links_lead_through_the_proxy(http: aiohttp.ClientSession, pods: PodServers) -> None:
    await pods.serve("web", page, port=80)
    at = f"{SPACE}/services/http:web:80/proxy"
    wanted = PAGE.replace("/rewriteme", f"{at}/rewriteme")
    for path in ("/", "/packed"):
        async with http.get(f"{at}{path}") as answer:
            assert (await answer.text(), "Access-Control-Allow-Origin" in answer.headers) == (wanted, False)
    host = http.get(f"{at}/")
    async with host as answer:
        own = answer.url.authority
    for location, told in (
        ("/there?a=b", f"{at}/there?a=b"),
        (f"/{own}", f"{at}/{own}"),
        ("/api/v1/nodes", f"{at}/api/v1/nodes"),
    ):
        async with http.get(f"{at}/to{location}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, told.partition("?")[0])
            assert answer.headers["X-Is"] == "kept"


async def test_bodies_stream_both_ways(http: aiohttp.ClientSession, pods: PodServers) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def shout(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece.upper())
        await response.write_eof()
        return response

    async def said() -> AsyncIterator[bytes]:
        yield b"one"
        yield await heard.get()
        yield BIG

    await pods.serve("web", shout, port=80)
    async with asyncio.timeout(WITHIN_S), http.post(f"{SPACE}/services/web:80/proxy/", data=said()) as answer:
        first = await answer.content.readany()
        heard.put_nowait(b"two")  # which waited for the answer to the first
        assert first + await answer.content.read() == b"ONETWO" + BIG.upper()


async def test_a_client_that_waits_for_leave_to_send_gets_it(http: aiohttp.ClientSession, served: int) -> None:
    async with http.put(f"{SPACE}/pods/web:{served}/proxy/", data=b"said", expect100=True) as answer:
        told = await answer.json()
    assert (told["body"], "expect" in told["headers"]) == ("said", False)


async def test_a_client_that_leaves_ends_the_request_behind(http: aiohttp.ClientSession, pods: PodServers) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        came.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return response

    await pods.serve("web", endless, port=80)
    async with asyncio.timeout(WITHIN_S):
        async with http.get(f"{SPACE}/services/web:80/proxy/") as answer:
            assert await answer.content.readany() == b"first"
            await came.wait()
            answer.close()
        await left.wait()


async def test_an_answer_that_breaks_off_breaks_off_here(http: aiohttp.ClientSession, pods: PodServers) -> None:
    async def half(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    await pods.serve("web", half, port=80)
    async with http.get(f"{SPACE}/services/web:80/proxy/") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Odd: \xff\r\nContent-Length: 2\r\n\r\nhi", 200),
        (b"HTTP/1.1 299 \xff\xfe odd\r\nContent-Length: 2\r\n\r\nhi", 299),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", 200),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 500),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 503),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 503),
        (b"SSH-2.0-server\r\n", 503),
        (b"", 503),
    ],
)
async def test_a_server_that_speaks_oddly_breaks_nothing(
    http: aiohttp.ClientSession, pods: PodServers, said: bytes, status: int
) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    await pods.pod("web", web=await pods.listen_raw(odd))
    async with asyncio.timeout(WITHIN_S), http.get(f"{SPACE}/pods/web/proxy/") as answer:
        body = await answer.read()
    assert answer.status == status
    assert status != 200 or body == b"hi"


@pytest.mark.parametrize("of", ["pods/web:{port}", "services/web:80"])
async def test_a_websocket_passes_through(http: aiohttp.ClientSession, pods: PodServers, of: str) -> None:
    async def shout(request: web.BaseRequest) -> web.StreamResponse:
        socket: web.WebSocketResponse[bool] = web.WebSocketResponse(protocols=("shout",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{request.raw_path} {message.data.upper()}")
        return socket

    port = await pods.serve("web", shout, port=80)
    url = f"{SPACE}/{of.format(port=port)}/proxy/hear?a=b"
    async with asyncio.timeout(WITHIN_S):
        async with http.ws_connect(url, protocols=["shout"]) as socket:
            assert socket.protocol == "shout"
            for text in ("hi", "x" * 500_000):
                await socket.send_str(text)
                message = await socket.receive()
                assert (message.type, message.data) == (WSMsgType.TEXT, f"/hear?a=b {text.upper()}")
        while pods.kubelet.open["web"]:
            pods.kubelet.closed.clear()
            await pods.kubelet.closed.wait()


async def test_an_upgrade_that_is_refused_is_told(http: aiohttp.ClientSession, pods: PodServers) -> None:
    async def refuse(request: web.BaseRequest) -> web.Response:
        return web.Response(status=403 if request.path == "/no" else 200, text="not you")

    await pods.serve("web", refuse, port=80)
    said = {"Connection": "Upgrade", "Upgrade": "shout"}
    at = f"{SPACE}/services/web:80/proxy"
    async with http.get(f"{at}/no", headers=said) as answer:
        assert (answer.status, await answer.text()) == (403, "not you")
    async with http.get(f"{at}/yes", headers=said) as answer:
        assert (answer.status, (await answer.json())["message"]) == (500, "invalid upgrade response: status code 200")
    async with http.post(f"{at}/no", headers=said, data=b"body") as answer:
        assert (answer.status, "has no body" in (await answer.json())["message"]) == (400, True)
    async with http.get(f"{SPACE}/pods/nobody/proxy/", headers=said) as answer:
        assert answer.status == 404


async def test_rights_are_those_of_the_method_and_streams_need_create(
    session_of: SessionOf, admin: Client, served: int
) -> None:
    await grant(admin, "reader", "get", "services/proxy")
    reader = session_of("reader")
    at = f"{SPACE}/services/web:80/proxy/x"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    for method, headers, status in (
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("POST", {}, 403),
        ("PUT", {}, 403),
        ("PATCH", {}, 403),
        ("DELETE", {}, 403),
        ("GET", upgrade, 403),
    ):
        async with reader.request(method, at, headers=headers) as answer:
            assert answer.status == status, (method, headers)
    async with reader.get(f"{SPACE}/pods/web:{served}/proxy/") as answer:
        assert answer.status == 403
    await grant(admin, "writer", "create", "services/proxy")
    async with session_of("writer").post(at) as answer:
        assert answer.status == 200


async def test_what_a_kubelet_tells_may_be_read_with_the_right_to_just_that(
    session_of: SessionOf, admin: Client, pods: PodServers
) -> None:
    await pods.pod("web")
    await grant(admin, "monitor", "get", "nodes/metrics")
    at = f"/api/v1/nodes/{NODE}"
    for path, method, status in (
        ("proxy/metrics", "GET", 200),
        ("proxy/metrics/cadvisor", "GET", 200),
        ("proxy/stats/summary", "GET", 403),
        ("proxy/metrics", "POST", 403),
        ("proxy/metricsx", "GET", 403),
    ):
        async with session_of("monitor").request(method, f"{at}/{path}") as answer:
            assert answer.status == status, path
    async with session_of("monitor").get(f"{at}:{pods.port}/proxy/metrics") as answer:
        assert answer.status == 403, "what listens at another port is not the kubelet"


async def test_a_nodes_kubelet_tells_what_it_knows(http: aiohttp.ClientSession, pods: PodServers) -> None:
    await pods.pod("web")
    at = f"/api/v1/nodes/{NODE}"
    assert await _text(http, f"{at}/proxy/healthz") == "ok"
    assert await _text(http, f"{at}:{pods.port}/proxy/healthz") == "ok"
    assert await _text(http, f"{at}/proxy/stats/summary") == "the kubelet's /stats/summary"
    async with http.get(f"{at}/proxy/metrics/cadvisor") as answer:
        assert answer.content_type == "text/x-of-the-kubelet"
        assert len(await answer.text()) == len("the kubelet's /metrics/cadvisor"), "however many parts it came in"
    for path, method, status in (("logs/x", "GET", 404), ("exec/default/web/c", "POST", 405), ("pods", "POST", 405)):
        async with http.request(method, f"{at}/proxy/{path}") as answer:
            assert answer.status == status
            assert NODE in (await answer.json())["message"]


async def test_no_node_leads_to_the_servers_own_host(http: aiohttp.ClientSession, pods: PodServers) -> None:
    port = await pods.listen(echo)
    async with http.get(f"/api/v1/nodes/{NODE}:{port}/proxy/x") as answer:
        assert (answer.status, (await answer.json())["message"]) == (400, "address not allowed")


async def test_discovery_tells_of_it(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1") as answer:
        found = {one["name"]: one for one in (await answer.json())["resources"]}
    for plural, kind in (("pods", "Pod"), ("services", "Service"), ("nodes", "Node")):
        told = found[f"{plural}/proxy"]
        assert told["kind"] == f"{kind}ProxyOptions"
        assert told["verbs"] == ["create", "delete", "get", "patch", "update"]
    async with http.get("/openapi/v3/api/v1") as answer:
        paths: dict[str, Any] = (await answer.json())["paths"]
    item = paths["/api/v1/namespaces/{namespace}/services/{name}/proxy/{path}"]
    assert item["put"]["operationId"] == "connectCoreV1PutNamespacedServiceProxyWithPath"
    assert item["head"]["x-kubernetes-action"] == "connect"


async def _text(http: aiohttp.ClientSession, path: str) -> str:
    async with http.get(path) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return text
