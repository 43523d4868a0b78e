"""A cluster as the console reaches it: its REST API's address, and what proves who asks."""

from __future__ import annotations

import ssl
import tempfile
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import hdrs


class UpstreamError(Exception):
    """A cluster cannot be reached as it is described; the message names what is wrong with the description."""


@dataclass(frozen=True)
class Upstream:
    """`server` is an https or http URL without a slash at its end. `ca`, `certificate` and `key` are PEM; without `ca`
    the system's authorities are trusted.
    """

    name: str
    server: str
    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    namespace: str = ""
    """Where its user looks when no namespace is named; empty: `default`."""
    verified: bool = True
    """Whether the server has to prove who it is."""

    def tls(self) -> ssl.SSLContext:
        """Raises UpstreamError."""
        made = ssl.create_default_context()
        try:
            if self.ca:
                made = ssl.create_default_context(cadata=self.ca.decode())
            if not self.verified:
                made.check_hostname = False
                made.verify_mode = ssl.CERT_NONE
            if self.certificate:
                _show(made, self.certificate + b"\n" + self.key)
        except (ssl.SSLError, ValueError) as error:
            raise UpstreamError(f"{self.name}: its certificates cannot be used: {error}") from error
        return made

    def authorization(self) -> dict[str, str]:
        """The headers that say who asks, beside a certificate."""
        if self.token:
            return {hdrs.AUTHORIZATION: f"Bearer {self.token}"}
        if self.basic is not None:
            return {hdrs.AUTHORIZATION: f"Basic {b64encode(':'.join(self.basic).encode()).decode()}"}
        return {}


def _show(context: ssl.SSLContext, pair: bytes) -> None:
    """OpenSSL reads certificates from files alone; nobody else may read this one, and it is gone at once."""
    with tempfile.TemporaryDirectory(prefix="podlab-console-") as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600)
        path.write_bytes(pair)
        context.load_cert_chain(path, password="")
