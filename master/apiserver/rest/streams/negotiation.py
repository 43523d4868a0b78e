"""Which protocol a client and this server use for a stream. Pure.

A client offers subprotocols of WebSocket in `Sec-WebSocket-Protocol`, and those of SPDY/3.1 in
`X-Stream-Protocol-Version`, in one header each or separated by commas. Until Kubernetes 1.29 clients spoke SPDY only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from podlab.errors import BadRequest

WEBSOCKET, SPDY = "websocket", "spdy/3.1"
_OFFERS = {WEBSOCKET: "Sec-WebSocket-Protocol", SPDY: "X-Stream-Protocol-Version"}


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, default: str) -> str: ...

    def getall(self, name: str, default: Sequence[str]) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a connection is upgraded to. `protocol` is empty when the client named none."""

    to: str
    protocol: str


def negotiated(headers: Headers, over_websocket: Sequence[str], over_spdy: Sequence[str]) -> Upgrade:
    """The first protocol of the client's that is served. Raises BadRequest."""
    to = headers.get("Upgrade", "").lower()
    if not to:
        raise BadRequest("Upgrade request required")
    if to not in _OFFERS or (to == SPDY and not over_spdy):
        raise BadRequest(f"unable to upgrade to {to}: this server streams over {' and '.join(_OFFERS)}")
    served = over_websocket if to == WEBSOCKET else over_spdy
    offered = [one.strip() for line in headers.getall(_OFFERS[to], ()) for one in line.split(",") if one.strip()]
    for protocol in offered or ("",):
        if protocol in served:
            return Upgrade(to, protocol)
    raise BadRequest(f"unable to negotiate protocol: client supports {offered}, server accepts {list(served)}")
