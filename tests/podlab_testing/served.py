"""Which certificate a port shows, and whether it takes ours, as a client without more knowledge finds out."""

from __future__ import annotations

import socket
import ssl

from podlab.tls import Tls

WITHIN_S = 5.0


def leaf(port: int, host: str = "127.0.0.1") -> bytes:
    """The certificate, DER, that the port shows to a new connection, whoever has signed it. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host, port), timeout=WITHIN_S) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def pem_to_der(tls: Tls) -> bytes:
    """Of its certificate."""
    return ssl.PEM_cert_to_DER_cert(tls.cert.read_text())
