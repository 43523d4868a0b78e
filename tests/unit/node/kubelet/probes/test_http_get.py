"""HTTP probes and hooks, against real servers that answer byte by byte what the case says."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from podlab_testing.kubelet_pods import Listen

from node.kubelet.probes import handlers, http_get
from node.kubelet.probes.handlers import HandlerResult, HandlerTarget
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

PLACE = HandlerTarget("c", pod_pb2.Container(name="web"), "127.0.0.1")


class Server:
    """Answers each path with what the test gave it, `{port}` filled in; what was asked is kept, line by line."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        self.asked.append(lines)
        answer = self.answers[lines[0].split()[1].partition("?")[0]]
        writer.write(answer.replace("{port}", str(self.port)).encode())
        await writer.drain()


@pytest.fixture
async def serve(listen: Listen) -> Callable[..., Awaitable[Server]]:
    async def begin(**answers: str) -> Server:
        server = Server({f"/{path}": answer for path, answer in answers.items()})
        server.port = await listen(server.serve)
        return server

    return begin


def _action(server: Server, path: str = "/", **more: object) -> pod_pb2.HTTPGetAction:
    return pod_pb2.HTTPGetAction(path=path, port=meta_pb2.IntOrString(intVal=server.port), **more)


@pytest.mark.parametrize(
    ("answer", "success", "words"),
    [
        ("HTTP/1.1 204 No Content\r\n\r\n", True, ""),
        ("HTTP/1.0 302 Found\r\n\r\n", True, "Probe terminated redirects, Response body: "),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True, ""),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", False, "statuscode: 500"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", False, "HTTP probe failed with statuscode: 503"),
        ("not http\r\n", False, "not http"),
        ("", False, "EOF"),
    ],
)  # fmt: skip
async def test_the_last_answer_is_good_from_200_to_399(serve: Any, answer: str, success: bool, words: str) -> None:
    server = await serve(**{"": answer})
    got = await handlers.http_probe(PLACE, _action(server), 5.0)
    assert got.success == success
    assert words in got.output


async def test_redirects_are_followed_on_the_same_host_and_the_last_answer_is_judged(serve: Any) -> None:
    server = await serve(
        start="HTTP/1.1 302 Found\r\nLocation: /next?a=b#c\r\nContent-Length: 0\r\n\r\n",
        next="HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{port}/end\r\nContent-Length: 0\r\n\r\n",
        end="HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
        away="HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 4\r\n\r\nbody",
        round="HTTP/1.1 307 Again\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n",
    )
    host = pod_pb2.HTTPHeader(name="Host", value="web.example")
    bad = await handlers.http_probe(PLACE, _action(server, "/start", httpHeaders=[host]), 5.0)
    assert bad == HandlerResult(False, "HTTP probe failed with statuscode: 500")
    assert [lines[0] for lines in server.asked] == [
        "GET /start HTTP/1.1",
        "GET /next?a=b HTTP/1.1",
        "GET /end HTTP/1.1",
    ]
    hosts = [line for lines in server.asked for line in lines if line.lower().startswith("host:")]
    assert hosts == ["Host: web.example", "Host: web.example", f"Host: 127.0.0.1:{server.port}"]
    away = await handlers.http_probe(PLACE, _action(server, "/away"), 5.0)
    assert away == HandlerResult(True, "Probe terminated redirects, Response body: body", warning=True)
    server.asked.clear()
    endless = await handlers.http_probe(PLACE, _action(server, "/round"), 5.0)
    assert (endless.success, len(server.asked)) == (False, 10)
    assert endless.output.endswith('/round": stopped after 10 redirects')


async def test_headers_are_those_of_the_action_repeated_ones_too(serve: Any) -> None:
    server = await serve(**{"": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"})
    named = [("X-A", "1"), ("x-a", "2"), ("accept", "")]
    headers = [pod_pb2.HTTPHeader(name=name, value=value) for name, value in named]
    assert (await handlers.http_probe(PLACE, _action(server, httpHeaders=headers), 5.0)).success
    assert sorted(server.asked[0][1:]) == [
        "Connection: close",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: kube-probe/1.36",
        "X-A: 1",
        "X-A: 2",
    ]
    bad = pod_pb2.HTTPHeader(name="X-A", value="1\r\nX-B: 2")
    assert not (await handlers.http_probe(PLACE, _action(server, httpHeaders=[bad]), 5.0)).success


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/"),
        ("healthz", "/healthz"),
        ("/a b/ü", "/a%20b/%C3%BC"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a/../b//c", "/a/../b//c"),
        ("/x?q=1&r=a+b#fragment", "/x?q=1&r=a+b"),
        ("/x#fragment?q", "/x"),
        ("/100%?now", "/100%25%3Fnow"),
    ],
)
def test_paths_are_escaped_and_fragments_left_out(path: str, asked: str) -> None:
    assert http_get.url_of("http", "10.0.0.1", 80, path) == f"http://10.0.0.1:80{asked}"


async def test_what_is_escaped_goes_over_the_wire_as_it_is(serve: Any) -> None:
    server = await serve(**{"a%20b/../%2Fc": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"})
    assert (await handlers.http_probe(PLACE, _action(server, "/a b/../%2Fc?q=%20#f"), 5.0)).success
    assert server.asked[0][0] == "GET /a%20b/../%2Fc?q=%20 HTTP/1.1"


async def test_an_answer_that_does_not_end_is_none(serve: Any) -> None:
    server = await serve(**{"": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"})
    got = await handlers.http_probe(PLACE, _action(server), 1.0)
    assert not got.success


async def test_a_hook_is_done_with_any_answer_and_asks_by_http_where_https_is_not_spoken(serve: Any) -> None:
    server = await serve(**{"": "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"})
    assert await handlers.http_hook(PLACE, _action(server), None) == HandlerResult(True)
    assert "User-Agent: kube-lifecycle/1.36" in server.asked[0]


async def test_https_is_asked_without_a_look_at_the_certificate(certificate: tuple[Path, Path]) -> None:
    server, context = Server({"/": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}), None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.serve(reader, writer)
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = running.sockets[0].getsockname()[1]
    header = pod_pb2.HTTPHeader(name="host", value="web.example")
    async with running:
        answer = await handlers.http_probe(PLACE, _action(server, scheme="HTTPS", httpHeaders=[header]), 5.0)
    assert answer == HandlerResult(True)
    assert [line for line in server.asked[0] if line.lower().startswith("host:")] == ["Host: web.example"]


async def test_http_where_https_was_asked_for_is_told_and_forgiven_to_hooks(listen: Listen) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(3))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    server = Server({})
    server.port = await listen(serve)
    probed = await handlers.http_probe(PLACE, _action(server, scheme="HTTPS"), 5.0)
    assert not probed.success
    assert probed.output.endswith("http: server gave HTTP response to HTTPS client")
    assert await handlers.http_hook(PLACE, _action(server, scheme="HTTPS"), None) == HandlerResult(True)
    assert asked[-1] == b"GET"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A server's certificate that nobody trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("pki")
    paths = directory / "tls.crt", directory / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
