"""The real HAProxy under the configurations that are written for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from podlab_testing.haproxy import HAPROXY, HaProxy, Pod
from podlab_testing.ingresses import NAMESPACE, endpoint, ingress, ingress_class, service, slice_of
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S, until, until_told

from node.command import CommandError
from node.ingress import certificates
from node.ingress.front import Front
from node.ingress.page import render
from node.ingress.page_server import SOCKET, PageServer
from node.ingress.routes import CertificateClaim
from node.ingress.wanted import Cluster, Wanted, wanted
from podlab import pki
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.ingress_pb2 import Ingress

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="a server of our own needs haproxy: scripts/bootstrap servers")


@dataclass
class Site:
    """A cluster of Ingresses, with pods on loopback ports."""

    haproxy: HaProxy
    front: Front
    pods: AsyncExitStack
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    slices: dict[tuple[str, str], list[EndpointSlice]] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)

    async def pod(self, name: str) -> Pod:
        return await self.pods.enter_async_context(Pod(name))

    async def serve(self, name: str, *pods: Pod) -> None:
        """Pods behind a Service; one of the same name if none are given."""
        found = pods or (await self.pod(name),)
        self.services[NAMESPACE, name] = service(name)
        self.slices[NAMESPACE, name] = [slice_of(name, each.port, endpoint("127.0.0.1")) for each in found]

    def wanted(self, ingresses: Iterable[Ingress], places: Mapping[str, int]) -> Wanted:
        default = self.haproxy.directory / "default.pem"
        certificates.default(default, certificates.now())
        cluster = Cluster(ingresses, [ingress_class()], self.services, self.slices, self._certificate)
        return wanted(cluster, self.haproxy.listening, default, places)

    def _certificate(self, claim: CertificateClaim) -> certificates.Found:
        secret = self.secrets.get(claim.secret)
        return certificates.of_claim(claim, secret, self.haproxy.directory, certificates.now())

    async def apply(self, *ingresses: Ingress) -> Wanted:
        while True:
            made = self.wanted(ingresses, await self.front.look())
            wait_s = await self.front.apply(made)
            if not wait_s:
                return made
            await asyncio.sleep(wait_s)

    async def workers(self) -> list[int]:
        return [each.pid for each in await self.haproxy.server.workers()]

    async def asked(self, host: str, path: str = "/") -> str:
        """The name of the pod that answers, or the status."""
        status, body = await asyncio.to_thread(self.haproxy.ask, host, path)
        return body.partition("\n")[0] if status == 200 else str(status)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    directory = tmp_path / "run"
    directory.mkdir()
    with reserved_ports(3) as ports:
        made = HaProxy(directory, (ports[0], ports[1], ports[2]))
        async with made, AsyncExitStack() as pods:
            yield Site(made, Front(made.server), pods)


async def test_until_ingresses_are_known_nobody_is_answered(site: Site) -> None:
    assert site.haproxy.ask("shop.example") == (0, "")
    await site.apply()
    assert site.haproxy.ask("shop.example") == (404, "no Ingress has this host and path\n")


MATCHING = [
    # From the table in Kubernetes' documentation of Ingress: type, path, request, whether it matches.
    ("Prefix", "/", "/any/path", True),
    ("Exact", "/foo", "/foo", True),
    ("Exact", "/foo", "/bar", False),
    ("Exact", "/foo", "/foo/", False),
    ("Exact", "/foo/", "/foo", False),
    ("Prefix", "/foo", "/foo", True),
    ("Prefix", "/foo", "/foo/", True),
    ("Prefix", "/foo/", "/foo", True),
    ("Prefix", "/foo/", "/foo/", True),
    ("Prefix", "/aaa/bb", "/aaa/bbb", False),
    ("Prefix", "/aaa/bbb", "/aaa/bbb", True),
    ("Prefix", "/aaa/bbb/", "/aaa/bbb", True),
    ("Prefix", "/aaa/bbb", "/aaa/bbb/", True),
    ("Prefix", "/aaa/bbb", "/aaa/bbb/ccc", True),
    ("Prefix", "/aaa/bbb", "/aaa/bbbxyz", False),
    # Beyond it.
    ("Exact", "/foo", "/foo?a=/b", True),
    ("Prefix", "/foo", "/foo?a=/b", True),
    ("Prefix", "/foo", "/FOO", False),
    ("Exact", "/Foo", "/foo", False),
    ("ImplementationSpecific", "", "/any", True),
    ("ImplementationSpecific", "/foo", "/foo/bar", True),
    ("ImplementationSpecific", "/foo", "/foobar", False),
]


async def test_paths_match_as_kubernetes_documents(site: Site) -> None:
    await site.serve("web")
    rules = {f"h{index}.example": [(path, kind, "web")] for index, (kind, path, _, _) in enumerate(MATCHING)}
    await site.apply(ingress("site", rules))
    for index, (kind, path, request, matches) in enumerate(MATCHING):
        expected = "web" if matches else "404"
        assert await site.asked(f"h{index}.example", request) == expected, (kind, path, request)


async def test_the_longest_path_wins_and_exact_before_prefix(site: Site) -> None:
    for name in ("root", "part", "longer", "exact"):
        await site.serve(name)
    paths = [("/", "Prefix", "root"), ("/a", "Prefix", "part"), ("/a", "Exact", "exact"), ("/a/b/", "Prefix", "longer")]
    await site.apply(ingress("site", {"shop.example": paths}))
    asked = {
        path: await site.asked("shop.example", path) for path in ("/", "/a", "/a/", "/a/x", "/a/b", "/a/b/c", "/ab")
    }
    assert asked == {
        "/": "root", "/a": "exact", "/a/": "part", "/a/x": "part", "/a/b": "longer", "/a/b/c": "longer", "/ab": "root",
    }  # fmt: skip


async def test_a_host_comes_before_a_wildcard_and_that_before_all_hosts(site: Site) -> None:
    for name in ("own", "wild", "any", "rest"):
        await site.serve(name)
    await site.apply(
        ingress("own", {"a.shop.example": [("/own", "Prefix", "own")]}),
        ingress("wild", {"*.shop.example": [("/", "Prefix", "wild")]}),
        ingress("any", {"": [("/any", "Prefix", "any")]}, default="rest"),
    )
    asked = [
        ("a.shop.example", "/own", "own"),
        ("A.Shop.Example:8080", "/own/x", "own"),
        ("a.shop.example.", "/own", "own"),
        ("a.shop.example", "/other", "wild"),
        ("b.shop.example", "/own", "wild"),
        ("b.c.shop.example", "/", "rest"),
        ("shop.example", "/", "rest"),
        ("shop.example", "/any", "any"),
    ]
    for host, path, expected in asked:
        assert await site.asked(host, path) == expected, (host, path)


async def test_an_ingress_s_own_default_is_for_its_hosts_first(site: Site) -> None:
    for name in ("web", "mine", "all"):
        await site.serve(name)
    mine = ingress("a", {"shop.example": [("/web", "Prefix", "web")]}, default="mine")
    await site.apply(mine)
    assert [await site.asked(host) for host in ("shop.example", "other.example")] == ["mine", "mine"]
    await site.apply(mine, ingress("b", default="all", made_s=9))
    assert [await site.asked(host) for host in ("shop.example", "other.example")] == ["mine", "all"]


async def test_a_service_without_endpoints_or_that_is_not_there_is_answered_with_503(site: Site) -> None:
    await site.serve("web")
    site.services[NAMESPACE, "empty"] = service("empty")
    paths = [("/web", "Prefix", "web"), ("/empty", "Prefix", "empty"), ("/none", "Prefix", "none")]
    made = await site.apply(ingress("site", {"shop.example": paths}))
    assert [await site.asked("shop.example", path) for path in ("/web", "/empty", "/none")] == ["web", "503", "503"]
    assert [(each.reason, each.message) for each in made.claims.problems] == [
        ("ServiceNotFound", "Service shop/none does not exist: its requests are answered with 503")
    ]


async def test_endpoints_come_and_go_while_the_same_process_runs_on(site: Site) -> None:
    first, second = await site.pod("first"), await site.pod("second")
    await site.serve("web", first)
    at = ingress("site", {"shop.example": [("/", "Prefix", "web")]})
    await site.apply(at)
    before = await site.workers()
    await site.serve("web", first, second)
    await site.apply(at)
    assert {await site.asked("shop.example") for _ in range(30)} == {"first", "second"}
    await site.serve("web", second)
    await site.apply(at)
    assert {await site.asked("shop.example") for _ in range(20)} == {"second"}
    assert await site.workers() == before
    site.haproxy.stop()
    await site.haproxy.start()
    assert {await site.asked("shop.example") for _ in range(20)} == {"second"}  # the file says so, too


async def test_more_endpoints_than_there_was_room_for_are_served(site: Site) -> None:
    pods = [await site.pod(f"p{index}") for index in range(6)]
    await site.serve("web", pods[0])
    at = ingress("site", {"shop.example": [("/", "Prefix", "web")]})
    await site.apply(at)
    await site.serve("web", *pods)
    await site.apply(at)
    assert {await site.asked("shop.example") for _ in range(100)} == {each.name for each in pods}
    generation = (await site.apply(at)).generation
    await site.serve("web", pods[0])
    assert (await site.apply(at)).generation == generation  # room that was made stays


async def test_an_endpoint_that_refuses_is_passed_over(site: Site) -> None:
    gone, there = Pod("gone"), await site.pod("there")
    async with gone:
        await site.serve("web", gone, there)
    await site.apply(ingress("site", {"shop.example": [("/", "Prefix", "web")]}))
    assert {await site.asked("shop.example") for _ in range(20)} == {"there"}


async def test_clients_cannot_say_where_they_come_from(site: Site) -> None:
    await site.serve("web")
    await site.apply(ingress("site", {"shop.example": [("/", "Prefix", "web")]}))
    lies = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "https", "Forwarded": "for=192.0.2.66"}
    _, told = await asyncio.to_thread(lambda: site.haproxy.ask("shop.example", "/", **lies))
    assert "192.0.2.66" not in told
    assert "x-forwarded-for: 127.0.0.1" in told
    assert "x-forwarded-proto: http\r" in told


def keep(site: Site, authority: Path, secret: str, host: str) -> bytes:
    """Makes a certificate for the host and puts it into the Secret; its bytes as they are shown."""
    made = pki.ensure_ca(authority)
    name = f"{secret}-{len(list(authority.iterdir()))}"
    pki.ensure_certificate(made, authority, name, host, [], [host])
    data = {"tls.crt": (authority / f"{name}.crt").read_bytes(), "tls.key": (authority / f"{name}.key").read_bytes()}
    site.secrets[secret] = Secret(metadata=ObjectMeta(namespace=NAMESPACE, name=secret), data=data)
    return der(data["tls.crt"])


def der(pem: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


async def test_each_host_is_shown_its_secret_s_certificate_and_others_are_not_harmed_by_a_bad_one(
    site: Site, tmp_path: Path
) -> None:
    authority = tmp_path / "pki"
    authority.mkdir()
    one, wild = keep(site, authority, "one", "one.example"), keep(site, authority, "wild", "*.wild.example")
    stolen = keep(site, authority, "stolen", "one.example")
    site.secrets["broken"] = Secret(data={"tls.crt": b"no", "tls.key": b"no"})
    site.secrets["half"] = Secret(data={"tls.crt": site.secrets["one"].data["tls.crt"]})
    mixed = {"tls.crt": site.secrets["one"].data["tls.crt"], "tls.key": site.secrets["wild"].data["tls.key"]}
    site.secrets["mixed"] = Secret(data=mixed)
    tls = {"one": ["one.example"], "wild": ["*.wild.example"]}
    bad = {name: [f"{name}.example"] for name in ("broken", "half", "mixed", "missing")}
    made = await site.apply(
        ingress("site", tls=tls, default="web"),
        ingress("thief", tls={"stolen": ["one.example"], **bad}, default="web", made_s=2),
        ingress("guest", tls={"stolen": []}, default="web", made_s=3),
    )
    shown = {host: await asyncio.to_thread(site.haproxy.shown, host) for host in ("one.example", "a.wild.example")}
    assert shown == {"one.example": one, "a.wild.example": wild}
    default = der((site.haproxy.directory / "default.pem").read_bytes())
    for host in ("broken.example", "half.example", "mixed.example", "missing.example", "wild.example", "x.example"):
        assert await asyncio.to_thread(site.haproxy.shown, host) == default, host
    told = sorted({(each.owner[1], each.reason) for each in made.claims.problems})
    assert ("thief", "HostTaken") in told
    assert ("thief", "BadCertificate") in told
    assert ("thief", "SecretNotFound") in told
    assert [each for each in told if each[0] == "guest"] == [("guest", "DefaultTaken")]
    assert stolen not in shown.values()


async def test_changes_lose_no_request_and_no_connection(site: Site, tmp_path: Path) -> None:
    """Endpoints, routes and certificates change while clients ask, some on connections that they keep."""
    authority = tmp_path / "pki"
    authority.mkdir()
    keep(site, authority, "one", "shop.example")
    pods = [await site.pod(f"p{index}") for index in range(4)]
    await site.serve("web", pods[0])
    at = ingress("site", {"shop.example": [("/", "Prefix", "web")]}, tls={"one": ["shop.example"]})
    await site.apply(at)
    counted, stopped = {"answers": 0}, asyncio.Event()

    async def client(kept: bool) -> None:
        reader = writer = None
        while not stopped.is_set():
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", site.haproxy.ports[0])
            assert reader is not None
            writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
            counted["answers"] += 1
            if not kept or b"connection: close" in head:
                await closed(writer)
                writer = None
            await asyncio.sleep(0.01)
        if writer is not None:
            await closed(writer)

    async def closed(writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    clients = [asyncio.create_task(client(kept)) for kept in (True, True, False)]
    for turn in range(8):
        await site.serve("web", *pods[turn % 3 : turn % 3 + 2])
        others = [ingress(f"other-{turn}", {f"o{turn}.example": [("/", "Prefix", "web")]})] if turn % 2 else []
        if turn % 4 == 0:
            keep(site, authority, "one", "shop.example")
        await site.apply(at, *others)
        await asyncio.sleep(0.1)
        assert not any(each.done() for each in clients)
    stopped.set()
    await asyncio.gather(*clients)
    assert counted["answers"] > 100


async def test_websockets_and_long_requests_outlive_other_configurations(site: Site) -> None:
    pod = await site.pod("p0")
    await site.serve("web", pod)
    at = ingress("site", {"shop.example": [("/", "Prefix", "web")]})
    await site.apply(at)

    async def ask(head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.haproxy.ports[0])
        writer.write(f"{head}\r\nHost: shop.example\r\n\r\n".encode())
        return reader, writer

    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    upgrade += "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    socket_reader, socket_writer = await ask(f"GET /chat HTTP/1.1\r\n{upgrade}")
    head = await socket_reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    slow_reader, slow_writer = await ask("GET /slow HTTP/1.1")
    await asyncio.wait_for(pod.asked_slowly.wait(), WITHIN_S)
    before = set(await site.workers())
    for turn in range(2):
        await site.apply(at, ingress("other", {f"o{turn}.example": [("/", "Prefix", "web")]}))
        socket_writer.write(b"still there?")
        assert await asyncio.wait_for(socket_reader.readexactly(12), WITHIN_S) == b"still there?"
    assert set(await site.workers()) - before, "another process has taken over"
    pod.may_answer.set()
    assert (await asyncio.wait_for(slow_reader.readuntil(b"\r\n\r\n"), WITHIN_S)).startswith(b"HTTP/1.1 200 ")
    for writer in (socket_writer, slow_writer):
        writer.close()
        await writer.wait_closed()


async def test_a_thousand_ingresses_are_served_and_shown(site: Site) -> None:
    await site.serve("web")
    hosts = [f"h{index}.example" for index in range(1000)]
    made = await site.apply(
        *(ingress(host, {host: [("/", "Prefix", "web"), ("/a", "Exact", "web")]}) for host in hosts)
    )
    assert {await site.asked(host) for host in (hosts[0], hosts[-1])} == {"web"}
    assert all(host in render(made.claims, made.backends) for host in hosts)


async def test_the_page_of_routes_and_the_metrics_are_shown_to_the_host(site: Site) -> None:
    await site.serve("web")
    paths = [("/<b>", "Exact", "web"), ("/none", "Prefix", "none")]
    made = await site.apply(ingress("site", {"shop.example": paths}))
    server = PageServer(site.haproxy.directory)
    server.page = render(made.claims, made.backends)
    running = asyncio.create_task(server.run())
    await until(lambda: (site.haproxy.directory / SOCKET).exists(), "the page has its socket")
    _, page = await asyncio.to_thread(site.haproxy.page)
    running.cancel()
    assert "<td>shop.example</td><td>/&lt;b&gt;</td><td>Exact</td><td>shop/web:80</td><td>shop/site</td>" in page
    assert "Service shop/none does not exist" in page
    assert "haproxy_backend_http_responses_total" in site.haproxy.page("/metrics")[1]
    assert "shop:web:80" in site.haproxy.page("/stats")[1]
    assert site.haproxy.ask("127.0.0.1", "/stats")[0] == 404


async def test_a_configuration_that_haproxy_refuses_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.serve("web")
    await site.apply(ingress("site", {"shop.example": [("/", "Prefix", "web")]}))
    monkeypatch.setitem(site.services, (NAMESPACE, "bad"), service("bad", appProtocol="h2c"))
    monkeypatch.setattr("node.ingress.config._nobody", lambda: iter(["backend nobody", "  nonsense"]))
    with pytest.raises(CommandError, match="nonsense"):
        await site.apply(ingress("site", {"shop.example": [("/", "Prefix", "bad")]}))
    assert await site.asked("shop.example") == "web"
    other = await site.pod("other")
    await site.serve("web", other)
    rules = {"shop.example": [("/", "Prefix", "web")], "bad.example": [("/", "Prefix", "bad")]}
    with pytest.raises(CommandError):
        await site.apply(ingress("site", rules))
    assert await site.asked("shop.example") == "other"  # endpoints come and go all the same


async def test_old_processes_end_once_their_clients_are_gone(site: Site) -> None:
    await site.serve("web")
    for turn in range(3):
        await site.apply(ingress("site", {f"{turn}.example": [("/", "Prefix", "web")]}))

    async def one_is_left() -> bool:
        return len(await site.workers()) == 1

    await until_told(one_is_left, "one process is left")
