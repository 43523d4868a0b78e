"""Whether a request comes from the console's own page. Pure.

Any page that a browser shows may send requests to loopback, by a name of its own that it lets point there (DNS
rebinding), and the browser adds its cookies for the address.
"""

from __future__ import annotations

from collections.abc import Mapping

_SAFE = frozenset({"GET", "HEAD"})
_BY_SCRIPT = frozenset({"", "empty", "websocket"})


def foreign_host(host: str, port: int) -> str:
    """Why a request to that name is refused; empty where the name is one of loopback's."""
    if host in {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}:
        return ""
    return f"Host is {host!r}: the console answers at 127.0.0.1:{port} alone"


def foreign_origin(method: str, headers: Mapping[str, str]) -> str:
    """Why a request that reaches clusters is refused; empty where the console's page sent it.

    A WebSocket begins with GET and obeys no same-origin policy: it has to name its origin as a write has to. Answers
    are given to scripts alone, never shown as pages: what a pod serves through the API must not run as one of ours.
    """
    origin, own = headers.get("Origin", ""), f"http://{headers.get('Host', '')}"
    has_to = method not in _SAFE or headers.get("Upgrade", "").lower() == "websocket"
    if (origin or has_to) and origin != own:
        return f"Origin is {origin!r}: only the console's own page at {own} may ask"
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return "Sec-Fetch-Site: only the console's own page may ask"
    if headers.get("Sec-Fetch-Dest", "") not in _BY_SCRIPT:
        return "Sec-Fetch-Dest: clusters' answers are not shown as pages"
    return ""
