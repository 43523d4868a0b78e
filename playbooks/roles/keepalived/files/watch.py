"""keepalived, and the file by which it knows whether this host's API server is ready: keepalived-watch ADDRESS PORT.

keepalived could run a check by itself, but only as root. Its file says 0 while the API server answers /readyz with 200;
with anything else there it gives the address up.
"""

import os
import socket
import ssl
import subprocess
import sys

KEEPALIVED = (
    "/usr/sbin/keepalived", "--dont-fork", "--vrrp", "--use-file=/etc/podlab/keepalived.conf",
    "--pid=/run/podlab-keepalived/keepalived.pid", "--vrrp_pid=/run/podlab-keepalived/vrrp.pid",
)  # fmt: skip
TOLD = "/run/podlab-keepalived/unready"
CA = "/etc/podlab/pki/ca.crt"
EVERY_S = 1.0
ANSWERED_WITHIN_S = 1.5
# One answer that was lost is no reason to cut everybody's connections.
FAILED_TWICE = 2


def is_ready(address: str, port: int) -> bool:
    try:
        context = ssl.create_default_context(cafile=CA)
        plain = socket.create_connection((address, port), ANSWERED_WITHIN_S)
        # Wrapping takes the plain socket over: what it gives is another, and the one to close.
        with plain, context.wrap_socket(plain, server_hostname=address) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def tell(unready: bool) -> None:
    with open(TOLD, "w") as file:
        file.write(f"{int(unready)}\n")


def tell_systemd() -> None:
    """That the service has started: keepalived would, if it were systemd's own child."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        notified.send(b"READY=1")


def main(address: str, port: int) -> int:
    tell(unready=True)
    unready, failed = True, 0
    with subprocess.Popen(KEEPALIVED) as server:
        tell_systemd()
        while server.poll() is None:
            failed = 0 if is_ready(address, port) else failed + 1
            if unready != (now := failed >= FAILED_TWICE or (unready and failed > 0)):
                unready = now
                tell(unready)
                print(f"the API server at {address} port {port} is {'not ' if unready else ''}ready", flush=True)
            try:
                server.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    return server.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
