"""Kubernetes' url() and isURL(): the parts of an absolute URL or path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from podlab.cel import costs
from podlab.cel.declarations import Library, function, method
from podlab.cel.values import EvaluationError

_FORM = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?=.))?(?://(?P<authority>[^/?#]*))?(?P<path>[^?]*)(?:\?(?P<query>.*))?",
    re.ASCII,
)
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+(?:%25[^\]]+)?\]|[^\[\]:]*)(?::(?P<port>[0-9]*))?", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9$&+,/:;=@!'()*~._%\[\]-]")


@dataclass(frozen=True, slots=True)
class UrlValue:
    """The parts of a URL, as it was written."""

    scheme: str
    host: str
    hostname: str
    port: str
    path: str
    query: str

    cel_type: ClassVar[str] = "kubernetes.URL"


def parse(text: str) -> UrlValue:
    """As Go's url.ParseRequestURI: a scheme, or a path from the root. Raises EvaluationError."""
    match = _FORM.fullmatch(text)
    if match is None or any(char <= " " or char == "\x7f" for char in text):
        _refuse(text, "invalid URI for request")
    host = (match["authority"] or "").rpartition("@")[2]
    parts = _HOST.fullmatch(host)
    if not (match["scheme"] or text.startswith("/")):
        _refuse(text, "invalid URI for request")
    if parts is None:
        _refuse(text, "invalid port after host")
    if _BAD_ESCAPE.search(match["path"]):
        _refuse(text, "invalid URL escape")
    return UrlValue(
        scheme=(match["scheme"] or "").lower(),
        host=host,
        hostname=parts["name"].strip("[]"),
        port=parts["port"] or "",
        path=match["path"],
        query=match["query"] or "",
    )


def _refuse(text: str, why: str) -> NoReturn:
    raise EvaluationError(f'URL parse error during conversion from string: parse "{text}": {why}')


def _is_url(text: str) -> bool:
    try:
        parse(text)
    except EvaluationError:
        return False
    return True


def _escaped_path(url: UrlValue) -> str:
    return _TO_ESCAPE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), url.path)


def _query(url: UrlValue) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in filter(None, url.query.split("&")):
        key, _, value = pair.partition("=")
        values.setdefault(_unescaped(key), []).append(_unescaped(value))
    return values


def _unescaped(text: str) -> str:
    raw = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), text.replace("+", " ").encode())
    return raw.decode(errors="replace")


_URL = UrlValue.cel_type

LIBRARY = Library(
    functions={
        "url": (function(_URL, parse, "string", cost=costs.first),),
        "isURL": (function("bool", _is_url, "string", cost=costs.first),),
        "getScheme": (method(_URL, "string", lambda url: url.scheme),),
        "getHost": (method(_URL, "string", lambda url: url.host),),
        "getHostname": (method(_URL, "string", lambda url: url.hostname),),
        "getPort": (method(_URL, "string", lambda url: url.port),),
        "getEscapedPath": (method(_URL, "string", _escaped_path),),
        "getQuery": (method(_URL, "map<string, list<string>>", _query),),
    },
    types={_URL: UrlValue},
)
