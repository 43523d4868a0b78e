"""At which addresses the API servers of a cluster are, and how a connection to one of them is kept. Pure.

Where there are several, gRPC tries them in turn and stays with the first that answers (pick_first; who takes longer
than 250 ms is overtaken). It moves on when that one refuses or closes, or leaves a ping unanswered: within
KEEPALIVE_S + PING_S. https://grpc.github.io/grpc/core/md_doc_naming.html,
https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import ip_address

NAME = "kubernetes"
"""What every API server's certificate says, and no other's: of several, it does not matter which one answers."""
KEEPALIVE_S, PING_S = 0.9, 0.9
"""How long a connection to one of several may be silent, and then a ping unanswered: moved on from within 2 s."""
ALONE_KEEPALIVE_S, ALONE_PING_S = 20.0, 10.0
"""Those to the only one there is: nothing is gained by noticing early."""


@dataclass(frozen=True)
class Servers:
    """host:port of each: of one, the host may be a name; of several, all are addresses of one family."""

    addresses: tuple[str, ...]

    def target(self, chance: random.Random) -> str:
        """What gRPC dials. Each client has an order of its own, so that servers share them."""
        if len(self.addresses) == 1:
            return self.addresses[0]
        scheme = "ipv6" if self.addresses[0].startswith("[") else "ipv4"
        return f"{scheme}:{','.join(chance.sample(self.addresses, len(self.addresses)))}"

    def options(self) -> tuple[tuple[str, int | str], ...]:
        """How the connection is watched, and whom it has to be with."""
        if len(self.addresses) == 1:
            return _watched(ALONE_KEEPALIVE_S, ALONE_PING_S)
        return (*_watched(KEEPALIVE_S, PING_S), ("grpc.ssl_target_name_override", NAME))


def _watched(keepalive_s: float, ping_s: float) -> tuple[tuple[str, int], ...]:
    # A ping has a limit of its own, which is a minute by default, whatever keepalive_timeout_ms says.
    return (
        ("grpc.keepalive_time_ms", round(keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", round(ping_s * 1000)),
        ("grpc.http2.ping_timeout_ms", round(ping_s * 1000)),
    )


def parse(text: str) -> Servers:
    """Of `host:port`, or several with commas between. Raises ValueError naming the address that cannot be used."""
    addresses = tuple(each.strip() for each in text.split(","))
    if len(addresses) > 1:
        families = {_family(each) for each in addresses}
        if len(families) > 1:
            raise ValueError(f"{text}: of several API servers, all addresses are IPv4 ones, or all are IPv6 ones")
        if len(set(addresses)) < len(addresses):
            raise ValueError(f"{text}: an API server is named twice; leave one out")
    return Servers(addresses)


def _family(address: str) -> int:
    host, _, port = address.rpartition(":")
    try:
        family = ip_address(host.removeprefix("[").removesuffix("]")).version
        if not 0 < int(port) < 1 << 16:
            raise ValueError(port)
    except ValueError as error:
        raise ValueError(
            f'"{address}": of several API servers, each is address:port, as 10.0.0.1:7443 or [fd00::1]:7443; '
            "names are taken where there is only one"
        ) from error
    return family
