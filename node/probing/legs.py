"""Single probes: one connection, one datagram, one question; what came of it, within its time."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import time
from dataclasses import dataclass

from node import netns
from node.dns import message
from podlab.api.values.ipfamilies import with_port

ANSWERED, REFUSED, SILENT, UNREACHABLE, FAILED = "answered", "refused", "silent", "unreachable", "failed"
KINDS = ("tcp", "udp", "name")
_EDNS_BYTES = 1232
# linux/in.h, linux/in6.h: refuse to fragment, whatever is known of the path.
_MTU_DISCOVER, _MTU_DISCOVER_6, _PROBE = 10, 23, 3
_ERRORS = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: REFUSED,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EPERM: REFUSED,
}


@dataclass(frozen=True)
class Leg:
    """`kind` is one of KINDS; `name` is asked of a DNS server. `size_bytes` is of the whole IP packet, or 0."""

    kind: str
    address: str
    port: int
    name: str = ""
    size_bytes: int = 0
    timeout_s: float = 3.0


@dataclass(frozen=True)
class Outcome:
    """ANSWERED or why not, in how many seconds, and more of it in words."""

    outcome: str
    seconds: float = 0.0
    detail: str = ""


async def probe(leg: Leg, namespace: str | None) -> Outcome:
    """Sends it from the namespace of that path; None is the node's own."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(leg.timeout_s):
            outcome, detail = await _sent(leg, namespace)
    except TimeoutError:
        outcome, detail = SILENT, f"no answer within {leg.timeout_s:g} s"
    except OSError as error:
        outcome = _ERRORS.get(error.errno or 0, FAILED)
        too_large = f"a packet of {leg.size_bytes} bytes does not fit the link" if error.errno == errno.EMSGSIZE else ""
        detail = too_large or (error.strerror or str(error)).lower()
    except ValueError as error:
        outcome, detail = FAILED, str(error)
    return Outcome(outcome, time.monotonic() - began_s, detail)


async def _sent(leg: Leg, namespace: str | None) -> tuple[str, str]:
    family = socket.AF_INET6 if ":" in leg.address else socket.AF_INET
    kind = socket.SOCK_STREAM if leg.kind == "tcp" else socket.SOCK_DGRAM
    with await netns.make_socket(namespace, family, kind) as made:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(made, (leg.address, leg.port))
        if leg.kind == "tcp":
            return ANSWERED, f"connected to {with_port(leg.address, leg.port)}"
        if leg.kind == "name":
            return await _asked(leg, made)
        if leg.size_bytes:
            level, option = (
                (socket.IPPROTO_IPV6, _MTU_DISCOVER_6)
                if family == socket.AF_INET6
                else (socket.IPPROTO_IP, _MTU_DISCOVER)
            )
            made.setsockopt(level, option, _PROBE)
        headers = 48 if family == socket.AF_INET6 else 28
        await loop.sock_sendall(made, secrets.token_bytes(max(leg.size_bytes - headers, 8)))
        answer = await loop.sock_recv(made, 65535)
        return ANSWERED, f"{len(answer)} bytes came back"


async def _asked(leg: Leg, made: socket.socket) -> tuple[str, str]:
    loop = asyncio.get_running_loop()
    query = message.question(secrets.randbelow(1 << 16), leg.name, "A", edns=_EDNS_BYTES)
    await loop.sock_sendall(made, query)
    reply = message.read(await loop.sock_recv(made, 65535))
    if reply.rcode != message.NOERROR or not reply.answers:
        code = message.RCODES.get(reply.rcode, f"RCODE {reply.rcode}")
        return FAILED, f"{leg.name}: {code}, {len(reply.answers)} answers"
    return ANSWERED, f"{leg.name} is known"
