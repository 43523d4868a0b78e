"""Sent to a host and run there: who gets an answer from a local port?

The one argument is JSON: `port`, `ca` and `stranger` (PEM texts; the latter a certificate and key of an unknown CA) and
`own` (a certificate's path on the host, without its ending). Printed is, for each way of calling, what came of it.
"""

import json
import socket
import ssl
import subprocess
import sys
import tempfile

# How every HTTP/2 connection begins, with an empty SETTINGS frame. A server that lets us in answers with its own.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
TIMEOUT_S = 5


def listening_address(port: int) -> "str | None":
    """The local address to call; None when nothing listens."""
    sockets = subprocess.run(
        ["ss", "--listening", "--tcp", "--numeric", "--no-header", f"sport = :{port}"],
        check=True,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
    ).stdout.decode()
    if not sockets:
        return None
    address = sockets.split()[3].rpartition(":")[0].strip("[]").partition("%")[0]
    unspecified = ("*", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    return "127.0.0.1" if address in unspecified else address


def call(address: str, port: int, context: "ssl.SSLContext | None") -> "dict[str, object]":
    """Greet the server; `answered` says whether it let us in, `error` why not."""
    outcome = {"answered": False, "tls": "", "error": ""}
    try:
        plain = socket.create_connection((address, port), TIMEOUT_S)
        # Wrapping takes the plain socket over: what it gives is another, and the one to close.
        with plain, context.wrap_socket(plain) if context else plain as connection:
            if isinstance(connection, ssl.SSLSocket):
                outcome["tls"] = connection.version() or ""
            connection.sendall(GREETING)
            outcome["answered"] = bool(connection.recv(1))
    except ssl.SSLError as error:
        outcome["error"] = error.reason or str(error)
    except OSError as error:
        outcome["error"] = str(error)
    return outcome


def context(ca: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Trusts only the cluster's CA; names are the clients' business and are not checked here."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(cadata=ca)
    made.set_alpn_protocols(["h2"])
    if certificate:
        made.load_cert_chain(certificate, key or None)
    return made


def main(asked: "dict[str, str]") -> "dict[str, object]":
    port = int(asked["port"])
    address = listening_address(port)
    if address is None:
        return {"listening": False}
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as stranger:
        stranger.write(asked["stranger"])
        stranger.flush()
        return {
            "listening": True,
            "plain": call(address, port, None),
            "anonymous": call(address, port, context(asked["ca"])),
            "stranger": call(address, port, context(asked["ca"], stranger.name)),
            "own": call(address, port, context(asked["ca"], asked["own"] + ".crt", asked["own"] + ".key")),
        }


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
