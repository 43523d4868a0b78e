"""The console's server: who gets in, what a page may load, and what is carried to clusters and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from podlab_testing.cluster import Cluster
from podlab_testing.consoles import Opened, console, signed_in, upstream
from podlab_testing.ports import reserved_ports

from podlab.console.upstream import Upstream

NAMESPACES = "/clusters/test/api/v1/namespaces"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages of which this test knows what is in them."""
    pages = tmp_path / "static"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text('<meta property="csp-nonce" nonce="{{nonce}}">')
    (pages / "assets/index-1.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    return pages


@pytest.fixture
async def far() -> AsyncIterator[Upstream]:
    """A cluster whose streams say again what they hear, and which shows what it was asked with."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "Upgrade" not in request.headers:
            return web.json_response({"path": request.raw_path, "headers": dict(request.headers)})
        if request.path == "/refused":
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(protocols=["v5.channel.k8s.io"])
        await socket.prepare(request)
        async for message in socket:
            if message.data == b"end":
                await socket.close(code=4001)
            else:
                await socket.send_bytes(message.data)
        return socket

    with reserved_ports(1) as (port,):
        runner = web.AppRunner(web.Application())
        runner.app.router.add_route("*", "/{rest:.*}", answer)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield Upstream("far/away", f"http://127.0.0.1:{port}", token="t0ken")
        await runner.cleanup()


@pytest.fixture
async def opened(cluster: Cluster, folder: Path, far: Upstream) -> AsyncIterator[Opened]:
    tls = cluster.authority.tls()
    with reserved_ports(2) as (port, nobody):
        gone = Upstream("gone", f"https://127.0.0.1:{nobody}")
        async with console(port, folder, upstream("test", cluster.settings.rest_port, tls), far, gone) as made:
            yield made


@pytest.fixture
async def browser(opened: Opened) -> AsyncIterator[aiohttp.ClientSession]:
    async with signed_in(opened) as client:
        yield client


async def told(client: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, Any]:
    async with client.get(path, headers=headers) as answer:
        return answer.status, json.loads(await answer.text())


async def test_without_a_session_there_are_pages_and_nothing_else(opened: Opened) -> None:
    async with aiohttp.ClientSession(opened.url) as client:
        async with client.get("/") as page:
            assert page.status == 200
        for path in ("/console.json", NAMESPACES):
            status, body = await told(client, path)
            assert (status, body["kind"], body["reason"]) == (401, "Status", "Unauthorized")


async def test_a_link_opens_once(opened: Opened) -> None:
    link = opened.link
    async with signed_in(opened):
        pass
    async with aiohttp.ClientSession() as client, client.get(link) as answer:
        assert answer.status == 403
        assert "podlab console" in await answer.text()


async def test_the_cookie_is_no_script_s_and_goes_with_no_other_page_s_requests(opened: Opened) -> None:
    async with aiohttp.ClientSession() as client, client.get(opened.link, allow_redirects=False) as answer:
        (cookie,) = answer.headers.getall("Set-Cookie")
        assert answer.status == 303
        assert answer.headers["Location"] == "/"
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie


async def test_each_page_has_a_nonce_of_its_own_and_no_frame_around_it(opened: Opened) -> None:
    async with aiohttp.ClientSession(opened.url) as client:
        nonces = []
        for _ in range(2):
            async with client.get("/") as page:
                nonce = (await page.text()).split('nonce="')[1].split('"')[0]
                assert f"'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
                nonces.append(nonce)
        assert nonces[0] != nonces[1]


async def test_no_name_leads_out_of_the_assets(opened: Opened) -> None:
    async with aiohttp.ClientSession(opened.url) as client:
        async with client.get("/assets/index-1.js") as script:
            assert script.content_type == "text/javascript"
        for name in ("..%2Findex.html", "..%2F..%2Fsecret.txt", ".."):
            async with client.get(f"/assets/{name}") as answer:
                assert "secret" not in await answer.text()


async def test_another_name_for_loopback_is_refused(opened: Opened, browser: aiohttp.ClientSession) -> None:
    status, body = await told(browser, NAMESPACES, Host="evil.example:7480")
    assert (status, body["reason"]) == (421, "Misdirected")


async def test_another_page_s_requests_are_refused(opened: Opened, browser: aiohttp.ClientSession) -> None:
    status, _ = await told(browser, NAMESPACES, Origin="http://evil.example")
    assert status == 403
    body = {"metadata": {"name": "made"}}
    async with browser.post(NAMESPACES, json=body, headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403
    async with browser.post(NAMESPACES, json=body) as answer:
        assert answer.status == 403
    async with browser.post(NAMESPACES, json=body, headers=opened.origin) as answer:
        assert answer.status == 201


async def test_what_there_is_is_listed(browser: aiohttp.ClientSession) -> None:
    _, body = await told(browser, "/console.json")
    assert [each["name"] for each in body["clusters"]] == ["test", "far/away", "gone"]


async def test_answers_and_refusals_are_the_cluster_s_own(browser: aiohttp.ClientSession) -> None:
    status, body = await told(browser, f"{NAMESPACES}/default")
    assert (status, body["metadata"]["name"]) == (200, "default")
    status, body = await told(browser, f"{NAMESPACES}/missing")
    assert (status, body["message"]) == (404, 'namespaces "missing" not found')


async def test_answers_cannot_become_pages(browser: aiohttp.ClientSession) -> None:
    async with browser.get(f"{NAMESPACES}/default") as answer:
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    status, _ = await told(browser, NAMESPACES, **{"Sec-Fetch-Dest": "document"})
    assert status == 403


async def test_a_watch_tells_as_things_happen(opened: Opened, browser: aiohttp.ClientSession) -> None:
    _, listed = await told(browser, NAMESPACES)
    revision = listed["metadata"]["resourceVersion"]
    async with browser.get(f"{NAMESPACES}?watch=true&resourceVersion={revision}") as watch:
        async with browser.post(NAMESPACES, json={"metadata": {"name": "seen"}}, headers=opened.origin) as made:
            assert made.status == 201
        event = json.loads(await asyncio.wait_for(watch.content.readline(), 10))
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "seen")


async def test_paths_and_queries_stay_as_they_are_and_only_the_user_s_own_rights_go_along(
    browser: aiohttp.ClientSession,
) -> None:
    _, body = await told(browser, "/clusters/far%2Faway/api/v1/x%2Fy?a=b%26c", Authorization="Bearer stolen")
    assert body["path"] == "/api/v1/x%2Fy?a=b%26c"
    assert body["headers"]["Authorization"] == "Bearer t0ken"
    assert "Cookie" not in body["headers"]


async def test_streams_go_both_ways_with_the_cluster_s_protocol_and_end_as_it_ends_them(
    opened: Opened, browser: aiohttp.ClientSession
) -> None:
    offered = ("v9.channel.k8s.io", "v5.channel.k8s.io")
    async with browser.ws_connect("/clusters/far%2Faway/exec", protocols=offered, headers=opened.origin) as stream:
        assert stream.protocol == "v5.channel.k8s.io"
        await stream.send_bytes(b"\0hello")
        assert await stream.receive_bytes() == b"\0hello"
        await stream.send_bytes(b"end")
        assert (await stream.receive()).type is aiohttp.WSMsgType.CLOSE
        assert stream.close_code == 4001


async def test_a_stream_that_the_cluster_refuses_is_refused(opened: Opened, browser: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/clusters/far%2Faway/refused", headers=opened.origin)
    assert refused.value.status == 403


async def test_another_page_s_stream_is_refused(browser: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/clusters/far%2Faway/exec", headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403


async def test_a_cluster_that_is_away_or_not_known_is_said_to_be(browser: aiohttp.ClientSession) -> None:
    status, body = await told(browser, "/clusters/gone/api/v1/pods")
    assert (status, body["reason"]) == (503, "ServiceUnavailable")
    assert "127.0.0.1" in body["message"]
    status, body = await told(browser, "/clusters/other/api/v1/pods")
    assert (status, body["message"]) == (404, 'cluster "other" not found: /console.json lists those there are')
