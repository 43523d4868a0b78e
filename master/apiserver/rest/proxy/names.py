"""What a proxied request's URL says of its server: `name`, `name:port`, `scheme:name:port`, and a path. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import quote

from podlab.errors import BadRequest

SCHEMES = ("http", "https")
# What a path may hold as it is: https://datatracker.ietf.org/doc/html/rfc3986#section-3.3
_PLAIN = "/!$&'()*+,;=:@~-._"


@dataclass(frozen=True, slots=True)
class Named:
    """What a URL calls it. The port is text, as it may be a name; it is empty when none is said."""

    scheme: str
    name: str
    port: str


def split(kind: str, text: str) -> Named:
    """The parts of a name. Raises BadRequest, which says what kind of object was to be named.

    As SplitSchemeNamePort in k8s.io/apimachinery/pkg/util/net.
    """
    parts = text.split(":")
    scheme, name, port = ("", *parts, "")[:3] if len(parts) < 3 else parts if len(parts) == 3 else ("", "", "")
    if not name or scheme not in ("", *SCHEMES):
        raise BadRequest(f'invalid {kind} request "{text}"')
    return Named(scheme or SCHEMES[0], name, port)


def joined(prefix: str, path: str) -> str:
    """One path of two, which does not lead out of the first by `..`; a slash at its end is kept."""
    made = "/" + posixpath.normpath(f"/{path}").lstrip("/")
    made = prefix.rstrip("/") + (made if made != "/" else "")
    return f"{made}/" if path.endswith("/") or not made else made


def escaped(path: str) -> str:
    """A path as a request line holds it."""
    return quote(path, safe=_PLAIN, errors="surrogateescape")
