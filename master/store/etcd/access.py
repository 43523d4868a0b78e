"""Where an etcd is, and how this client shows itself there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

DEFAULT_PREFIX = "/podlab"
# etcd's own defaults of --max-txn-ops and --max-request-bytes.
MOST_OPERATIONS = 128
MOST_REQUEST_BYTES = 1_572_864
_LEAST_REQUEST_BYTES = 256 << 10
_SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class ClientTls:
    """Paths of PEM files: the authority that signed etcd's certificates, and what this client shows, if anything."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def files(self) -> tuple[Path, ...]:
        """All that there are."""
        return tuple(path for path in (self.ca, self.cert, self.key) if path is not None)

    def credentials(self) -> grpc.ChannelCredentials:
        """Raises OSError."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca.read_bytes(),
            private_key=self.key.read_bytes() if self.key is not None else None,
            certificate_chain=self.cert.read_bytes() if self.cert is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Access:
    """`endpoints` are `host:port` of all members, or of those that are to be asked. Made by `access`."""

    endpoints: tuple[str, ...]
    tls: ClientTls | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = DEFAULT_PREFIX
    """What the keys of this store begin with: others may have theirs in the same etcd."""
    most_operations: int = MOST_OPERATIONS
    most_request_bytes: int = MOST_REQUEST_BYTES


def access(
    endpoints: Sequence[str],
    *,
    tls: ClientTls | None = None,
    user: str = "",
    password: str = "",
    prefix: str = DEFAULT_PREFIX,
    most_operations: int = MOST_OPERATIONS,
    most_request_bytes: int = MOST_REQUEST_BYTES,
) -> Access:
    """Checked. Raises ValueError, which names the field, its value and the remedy."""
    if not endpoints:
        raise ValueError("endpoints: none is given; name each member as https://10.0.0.11:2379")
    addresses = tuple(_address(index, endpoint, tls) for index, endpoint in enumerate(endpoints))
    if len(set(addresses)) != len(addresses):
        raise ValueError(f"endpoints: {', '.join(endpoints)}: one is named twice; name each member once")
    if not prefix.startswith("/") or prefix.endswith("/") or not prefix.isascii():
        raise ValueError(
            f"prefix: {prefix!r} must begin with a slash, not end with one, and be ASCII, as {DEFAULT_PREFIX}"
        )
    if tls is not None and (tls.cert is None) != (tls.key is None):
        given, missing = ("key", "cert") if tls.cert is None else ("cert", "key")
        raise ValueError(f"tls.{missing}: it is missing, and tls.{given} is given; give both or neither")
    if bool(user) != bool(password):
        raise ValueError("user: a name needs a password, and a password a name; give both or neither")
    if most_operations < 2:  # one is the store's own
        raise ValueError(f"max_txn_ops: {most_operations} is too few; give what etcd's --max-txn-ops says")
    if most_request_bytes < _LEAST_REQUEST_BYTES:
        raise ValueError(
            f"max_request_bytes: {most_request_bytes} is below {_LEAST_REQUEST_BYTES}; "
            "give what etcd's --max-request-bytes says"
        )
    return Access(addresses, tls, user, password, prefix, most_operations, most_request_bytes)


def _address(index: int, endpoint: str, tls: ClientTls | None) -> str:
    """As gRPC dials it: `host:port`."""
    field_name = f"endpoints[{index}]"
    address = endpoint
    for scheme in _SCHEMES:
        if endpoint.startswith(scheme):
            address = endpoint.removeprefix(scheme).rstrip("/")
            if (scheme == "https://") != (tls is not None):
                remedy = "give tls.ca" if tls is None else "write https://, or leave tls out"
                raise ValueError(f"{field_name}: {endpoint!r} does not fit to tls; {remedy}")
    host, _, port = address.rpartition(":")
    if not host or "/" in address or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{field_name}: {endpoint!r} is no endpoint; write it as https://10.0.0.11:2379")
    return address
