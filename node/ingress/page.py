"""The page of routes, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from node.ingress.backends import Backend
from node.ingress.routes import Claims, ServicePort, by_specificity

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Podlab Ingress</title><style>
body { font: 15px/1.5 sans-serif; margin: 2em; } table { border-collapse: collapse; margin-bottom: 2em; }
th, td { text-align: left; padding: .3em 1em; border-bottom: 1px solid #ccc; } .bad { color: #a00; }
</style></head><body>
<h1>Ingress</h1>
<p>What is tried first stands first.
<a href="/stats">Endpoints and their counters</a>, <a href="/metrics">metrics</a>.</p>
"""


def render(claims: Claims, backends: Iterable[Backend]) -> str:
    """All routes in the order in which they are tried, certificates, and what is not served as it says."""
    faults = {each.port: each.fault for each in backends}
    routes = [*_routes(claims, faults), *_defaults(claims, faults)]
    shown = ((_hosts(each.hosts), f"{each.namespace}/{each.secret}", _name(each.owner)) for each in claims.certificates)
    wrong = ((_name(each.owner), each.reason, each.message) for each in claims.problems)
    return "".join(
        (
            _HEAD,
            _table("Routes", ("Host", "Path", "Type", "Service", "Ingress", ""), routes),
            _table("Certificates", ("Hosts", "Secret", "Ingress"), shown),
            _table("Not served as it says", ("Ingress", "Reason", "What"), wrong),
            "</body></html>\n",
        )
    )


def _routes(claims: Claims, faults: Mapping[ServicePort, tuple[str, str] | None]) -> Iterator[tuple[str, ...]]:
    for each in by_specificity(claims.routes):
        kind = "Exact" if each.exact else "Prefix"
        yield each.host, each.path, kind, _service(each.backend), _name(each.owner), _fault(faults, each.backend)


def _defaults(claims: Claims, faults: Mapping[ServicePort, tuple[str, str] | None]) -> Iterator[tuple[str, ...]]:
    for each in claims.defaults:
        yield each.host, "", "default", _service(each.backend), _name(each.owner), _fault(faults, each.backend)


def _fault(faults: Mapping[ServicePort, tuple[str, str] | None], port: ServicePort) -> str:
    fault = faults.get(port)
    return fault[1] if fault else ""


def _service(port: ServicePort) -> str:
    return f"{port.namespace}/{port.service}:{port.port}"


def _name(owner: tuple[str, str]) -> str:
    return "/".join(owner)


def _hosts(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts) or "those that it names"


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    if not body:
        return ""
    return f"<h2>{title}</h2>\n<table><tr>{''.join(f'<th>{each}</th>' for each in heads)}</tr>\n{body}</table>\n"
