"""Which headers are passed on. Pure.

What concerns one connection alone is not (RFC 9110, section 7.6.1), and nothing by which a client proves to this server
who it is.
"""

from __future__ import annotations

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from master.apiserver.filters import impersonation

_OF_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Of requests; the second is answered here.
_OWN = frozenset({hdrs.AUTHORIZATION.lower(), hdrs.EXPECT.lower()})
# A browser must not take what another server grants for what this one does.
_CORS = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
    }
)
# By which a front proxy says whom it speaks for.
_REMOTE = "x-remote-"
FORWARDED_FOR, FORWARDED_URI = "X-Forwarded-For", "X-Forwarded-Uri"
# Among the protocols that a WebSocket offers, one that begins so is a bearer token.
_BEARER = "base64url.bearer.authorization.k8s.io."
_PROTOCOLS = "Sec-WebSocket-Protocol"


def upgrade_of(headers: CIMultiDictProxy[str]) -> str:
    """What a client wants its connection to become; empty when it wants nothing."""
    wanted = "upgrade" in _named(headers)
    return headers.get(hdrs.UPGRADE, "") if wanted else ""


def asked(headers: CIMultiDictProxy[str], client: str) -> CIMultiDict[str]:
    """Those of a client's request, with the client's address."""
    left_out = _OF_CONNECTION | _OWN | _named(headers)
    made = CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in left_out and not _says_who(name) and name.lower() != FORWARDED_FOR.lower()
    )
    made[FORWARDED_FOR] = ", ".join((*headers.getall(FORWARDED_FOR, ()), client))
    if upgrade := upgrade_of(headers):
        made["Connection"], made["Upgrade"] = "Upgrade", upgrade
    protocols = [one.strip() for line in headers.getall(_PROTOCOLS, ()) for one in line.split(",")]
    if any(one.startswith(_BEARER) for one in protocols):
        made[_PROTOCOLS] = ", ".join(one for one in protocols if not one.startswith(_BEARER))
    return made


def answered(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Those of a server's answer."""
    left_out = _OF_CONNECTION | _CORS | _named(headers)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)


def switching(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Those of an answer that switches protocols."""
    made = answered(headers)
    made["Connection"], made["Upgrade"] = "Upgrade", headers.get(hdrs.UPGRADE, "")
    return made


def _says_who(name: str) -> bool:
    return impersonation.is_header(name) or name.lower().startswith(_REMOTE)


def _named(headers: CIMultiDictProxy[str]) -> frozenset[str]:
    """What `Connection` names: headers of this connection, and `upgrade`."""
    lines = headers.getall(hdrs.CONNECTION, ())
    return frozenset(one.strip().lower() for line in lines for one in line.split(","))
