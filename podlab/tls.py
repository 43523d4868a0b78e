"""Where a component's certificate is, and the gRPC credentials made of it, which follow the files while it runs."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from podlab.renewed import Renewed

_SHOWN_DIGITS = 16


@dataclass(frozen=True)
class Loaded:
    """What the files of a Tls held at one moment, as PEM. The key is the certificate's."""

    ca: bytes
    client_ca: bytes
    cert: bytes
    key: bytes = field(repr=False)
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of each file but the key, by its name."""

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials that show this certificate and accept only servers of the cluster's CA."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca, private_key=self.key, certificate_chain=self.cert
        )

    def server_configuration(self) -> grpc.ServerCertificateConfiguration:
        """What a server shows, and whose certificates it accepts."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.cert)], self.ca + self.client_ca)


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files: the cluster's CA, and this component's certificate and key.

    `ca` may hold several authorities: all are trusted, as while one takes another's place.
    Callers may show certificates of `client_ca` as well, if it is given; servers may not.
    """

    ca: Path
    cert: Path
    key: Path
    client_ca: Path | None = None

    def paths(self) -> list[Path]:
        """All that there are."""
        return [path for path in (self.ca, self.cert, self.key, self.client_ca) if path is not None]

    def load(self) -> Loaded:
        """What they hold now. Raises OSError; ValueError where key and certificate do not belong together."""
        contents = self._read()
        _check_pair(self.cert, self.key)
        if self._read() != contents:
            raise ValueError(f"{self.cert} and {self.key} are just being replaced")
        public = {path: content for path, content in contents.items() if path != self.key}
        return Loaded(
            ca=contents[self.ca],
            client_ca=contents[self.client_ca] if self.client_ca is not None else b"",
            cert=contents[self.cert],
            key=contents[self.key],
            digests={path.name: digest(content) for path, content in public.items()},
        )

    def _read(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.paths()}

    def renewed(self) -> Renewed[Loaded]:
        """Call it for what they hold now. Raises as `load`, at first."""
        return Renewed(self.load, self.paths())

    def client_authorities(self) -> bytes:
        """The authorities whose certificates callers may show. Raises OSError."""
        return b"".join(path.read_bytes() for path in (self.ca, self.client_ca) if path is not None)

    def server_credentials(self) -> grpc.ServerCredentials:
        """Credentials that refuse callers without a certificate of those authorities. Raises OSError, ValueError.

        Each new connection gets what the files hold by then. Keep them for as long as the server lives.
        """
        renewed = self.renewed()
        shown = renewed()

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            if (now := renewed()) is shown:
                return None
            shown = now
            return now.server_configuration()

        first = shown.server_configuration()
        return grpc.dynamic_ssl_server_credentials(
            first,
            changed,  # type: ignore[arg-type] # None is for no change, says its documentation
            require_client_authentication=True,
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials of this moment, for one connection. Raises OSError, ValueError."""
        return self.load().channel_credentials()


def _check_pair(cert: Path, key: Path) -> None:
    """Raises OSError; ValueError unless the key is the certificate's, as while one of them has been replaced and the
    other has not."""
    try:
        # Python's own OpenSSL, as cryptography would cost each process 9 MiB and 14 ms.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} is not the key of {cert}") from error
        raise ValueError(f"{cert}, {key}: {error.reason or error}") from error


def digest(content: bytes) -> str:
    """By which a file's content is told from another's."""
    return hashlib.sha256(content).hexdigest()[:_SHOWN_DIGITS]
