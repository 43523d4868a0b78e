"""HAProxy's configuration: how a request finds its backend, and what each backend is. Pure.

Hosts and paths are in maps, so that a request meets the same few rules however many Ingresses there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from node.ingress import slots
from node.ingress.backends import Backend
from node.ingress.routes import ANY_HOST, Claims, by_specificity

EXACT, PREFIX, DEFAULT = "exact.map", "prefix.map", "default.map"
CONFIG, CERTIFICATES = "haproxy.cfg", "certificates.list"

# A pod that went is found out by a refusal, or by silence for this long; another one is asked then.
_CONNECT_S = 1
_IDLE_S = 60
_HEAD_S = 10
# Old processes serve what they have accepted; connections without a request are closed after this.
_KEEP_ALIVE_S = 15
_TUNNEL_S = 3600
# How long a process with an earlier configuration may go on for a long answer or an upgraded connection.
_HARD_STOP_S = 3600
_CONNECTIONS = 8_000

_SERVER_OPTIONS = {"http": "", "h2c": " proto h2", "https": " ssl verify none alpn h2,http/1.1"}

# Words for what is looked up: the host as it is, the wildcard that it may match, all hosts.
_HOSTS = ("var(txn.host)", "str(*.),concat(,txn.parent)", f"str({ANY_HOST})")


@dataclass(frozen=True)
class Listening:
    """Where HAProxy listens; `http` and `https` are ports, and 0 before anything is known of Ingresses.

    `page` is the socket of whoever has the page of routes.
    """

    http: int
    https: int
    admin: str
    page: Path = Path("page.sock")
    ipv6: bool = False

    def at(self, port: int) -> tuple[str, ...]:
        return (f":{port}", f":::{port} v6only") if self.ipv6 else (f":{port}",)


def configuration(
    folder: Path, generation: str, listening: Listening, backends: Iterable[Backend], places: Mapping[str, int]
) -> str:
    """`folder` holds maps and the list of certificates; `places` says how many endpoints each backend has room for."""
    lines = [*_process(generation), *_admin(listening.admin, listening.page)]
    if listening.http:
        lines += _frontend(folder, "http", listening.at(listening.http), "http")
        secure = f"ssl crt-list {folder / CERTIFICATES} alpn h2,http/1.1"
        lines += _frontend(folder, "https", [f"{each} {secure}" for each in listening.at(listening.https)], "https")
        lines += _nobody()
    for backend in backends:
        lines += _backend(backend, places[backend.port.name])
    return "".join(f"{each}\n" for each in lines)


def maps(claims: Claims) -> dict[str, str]:
    """By file name: keys and names of backends. A default's key is a host."""
    routes = list(by_specificity(claims.routes))
    return {
        EXACT: _map((each.key, each.backend.name) for each in routes if each.exact),
        PREFIX: _map((each.key, each.backend.name) for each in routes if not each.exact),
        DEFAULT: _map((each.host, each.backend.name) for each in claims.defaults),
    }


def certificate_list(folder: Path, default: Path, shown: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """The first is for whoever asks for another host; of the others `shown` has file names and hosts."""
    return "".join([f"{default}\n", *(f"{folder / name} {' '.join(hosts)}".rstrip() + "\n" for name, hosts in shown)])


def _map(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key} {value}\n" for key, value in pairs)


def _process(generation: str) -> Iterator[str]:
    yield from (
        "# Written by podlab-ingress",
        "global",
        f"  description {generation}",
        f"  maxconn {_CONNECTIONS}",
        "  no strict-limits",
        f"  hard-stop-after {_HARD_STOP_S}s",
        "  log stdout format raw local0 notice",
        "  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
        # A client of its own, which nobody uses, would have it read all authorities that the system trusts.
        "  httpclient.ssl.verify none",
        "defaults",
        "  mode http",
        "  log global",
        "  option dontlognull",
        "  option dontlog-normal",
        "  option idle-close-on-response",
        "  option redispatch 1",
        # Pods may be gone a moment before this is heard of: another one is drawn, until one that is there is found. Of
        # two that are drawn, as `random` does, the idle one would be taken, which is the one that is gone; and in turn,
        # as `roundrobin` does, requests that try at the same time would meet the same ones again and again.
        "  balance random(1)",
        "  retries 40",
        "  retry-on conn-failure empty-response",
        "  http-reuse safe",
        f"  timeout connect {_CONNECT_S}s",
        f"  timeout client {_IDLE_S}s",
        f"  timeout server {_IDLE_S}s",
        f"  timeout http-request {_HEAD_S}s",
        f"  timeout http-keep-alive {_KEEP_ALIVE_S}s",
        f"  timeout tunnel {_TUNNEL_S}s",
    )


def _admin(address: str, page: Path) -> Iterator[str]:
    """For the host's own eyes: routes, statistics of all backends, metrics."""
    yield from (
        "frontend admin",
        f"  bind {address}",
        "  http-request use-service prometheus-exporter if { path /metrics }",
        "  stats enable",
        "  stats uri /stats",
        "  stats refresh 5s",
        "  default_backend page",
        "backend page",
        f"  server agent unix@{page}",
    )


def _frontend(folder: Path, name: str, binds: Iterable[str], scheme: str) -> Iterator[str]:
    """What tells where a request is from is the word of this proxy, never the client's."""
    yield from (
        f"frontend {name}",
        *(f"  bind {each}" for each in binds),
        "  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)",
        "  http-request set-var(txn.parent) var(txn.host),field(2,.,0)",
        "  http-request set-var(txn.path) path",
        "  http-request set-var(txn.parts) path,concat(/)",
    )
    unless = ""
    for host in _HOSTS:
        yield f"  http-request set-var(txn.to) {host},concat(,txn.path),map_str({folder / EXACT}){unless}"
        unless = " unless { var(txn.to) -m found }"
        yield f"  http-request set-var(txn.to) {host},concat(,txn.parts),map_beg({folder / PREFIX}){unless}"
    for host in _HOSTS:
        yield f"  http-request set-var(txn.to) {host},map_str({folder / DEFAULT}){unless}"
    yield from (
        "  http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
        "  http-request set-header X-Forwarded-For %[src]",
        "  http-request set-header X-Real-IP %[src]",
        "  http-request set-header X-Forwarded-Host %[req.hdr(host)]",
        "  http-request set-header X-Forwarded-Port %[dst_port]",
        f"  http-request set-header X-Forwarded-Proto {scheme}",
        "  http-request del-header Forwarded",
        "  use_backend %[var(txn.to)] if { var(txn.to) -m found }",
        "  default_backend nobody",
    )


def _nobody() -> Iterator[str]:
    yield "backend nobody"
    yield '  http-request return status 404 content-type text/plain string "no Ingress has this host and path\\n"'


def _backend(backend: Backend, places: int) -> Iterator[str]:
    yield f"backend {backend.port.name}"
    options = _SERVER_OPTIONS[backend.spoken]
    for index in range(places):
        if index < len(backend.endpoints):
            address, port = backend.endpoints[index]
            yield f"  server s{index + 1} {_literal(address)}:{port}{options}"
        else:
            address, port = slots.NOWHERE
            yield f"  server s{index + 1} {address}:{port}{options} disabled"


def _literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address
