"""How webhooks are reached: by an address, or by a Service. Of admission and of conversion."""

from __future__ import annotations

import re
from typing import NamedTuple

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_FORM = "; desired format: https://host[/path]"
# RFC 3986, appendix B.
_ADDRESS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class _Parts(NamedTuple):
    scheme: str
    authority: str
    query: str
    fragment: str


def check_url(found: Findings, field: str, url: str) -> None:
    """An address of HTTPS that holds nothing but host, port and path."""
    if error := _error(url):
        found.required(field, f"url must be a valid URL: parse {syntax.quoted(url)}: {error}{_FORM}")
        return
    parts = _split(url)
    user, _, host = parts.authority.rpartition("@")
    if parts.scheme != "https":
        found.invalid(field, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not host:
        found.invalid(field, host, f"host must be provided{_FORM}")
    if "@" in parts.authority:
        found.invalid(field, user, "user information is not permitted in the URL")
    if parts.fragment:
        found.invalid(field, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        found.invalid(field, parts.query, "query parameters are not permitted in the URL")


def check_service(found: Findings, field: str, *, namespace: str, name: str, port: int, path: str | None) -> None:
    """A Service, its port, and a path whose parts are names."""
    if not name:
        found.required(f"{field}.name", "service name is required")
    if not namespace:
        found.required(f"{field}.namespace", "service namespace is required")
    if not 0 < port < 65536:
        found.invalid(f"{field}.port", port, "port is not valid: must be between 1 and 65535, inclusive")
    if path is not None and path not in ("", "/"):
        _check_path(found, f"{field}.path", path)


def _check_path(found: Findings, field: str, path: str) -> None:
    if path == "//":
        found.invalid(field, path, "segment[0] may not be empty")
        return
    if not path.startswith("/"):
        found.invalid(field, path, "must start with a '/'")
    for index, segment in enumerate(path[1:].removesuffix("/").split("/")):
        if not segment:
            found.invalid(field, path, f"segment[{index}] may not be empty")
        else:
            found.invalid(field, path, *(f"segment[{index}]: {fault}" for fault in syntax.subdomain(segment)))


def _split(url: str) -> _Parts:
    found = _ADDRESS.fullmatch(url)
    assert found is not None  # every text matches
    return _Parts(*(group or "" for group in found.groups()))


def _error(url: str) -> str:
    """Why Go reads no address in it; empty when it does."""
    if _CONTROLS.search(url):
        return "net/url: invalid control character in URL"
    scheme, colon, _ = url.partition(":")
    if colon and not scheme:
        return "missing protocol scheme"
    if colon and "/" not in scheme and not _SCHEME.fullmatch(scheme):
        return "first path segment in URL cannot contain colon"
    host = _split(url).authority.rpartition("@")[2]
    if " " in host:
        return 'invalid character " " in host name'
    if not _PORT.fullmatch(host):
        return f'invalid port "{host[host.rfind(":") :]}" after host'
    return ""
