"""Where a component's certificate is, and the gRPC credentials made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files: the cluster's CA, and this component's certificate and key.

    Callers may show certificates of `client_ca` as well, if it is given; servers may not.
    """

    ca: Path
    cert: Path
    key: Path
    client_ca: Path | None = None

    def client_authorities(self) -> bytes:
        """The authorities whose certificates callers may show. Raises OSError."""
        return b"".join(path.read_bytes() for path in (self.ca, self.client_ca) if path is not None)

    def server_credentials(self) -> grpc.ServerCredentials:
        """Credentials that refuse callers without a certificate of those authorities. Raises OSError."""
        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.cert.read_bytes())],
            root_certificates=self.client_authorities(),
            require_client_auth=True,
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials that show this certificate and accept only servers of the cluster's CA. Raises OSError."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca.read_bytes(),
            private_key=self.key.read_bytes(),
            certificate_chain=self.cert.read_bytes(),
        )
