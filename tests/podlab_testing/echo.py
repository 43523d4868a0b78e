"""Serves and asks, in pods, on nodes and on the controller alike: Python's standard library only.

`serve` answers over HTTP with "pod node client-address port" (/bytes: 10 MB), and over UDP with the pod's name and what
it was sent. `get URL COUNT` and `udp HOST PORT COUNT` print one answer a line, or why there was none; `digest URL` what
a long answer comes to. `stream HOST PORT SECONDS` sends `STREAMED_PER_S` datagrams a second from one socket, whatever
becomes of them, and prints a line for each in turn: when it was sent, in seconds, and the pod that answered it or "-".
"""

import hashlib
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTTP, ADMIN, UDP = 8080, 9090, 5353
LONG = random.Random(1).randbytes(10_000_000)
TIMEOUT_S = 4.0
STREAMED_PER_S = 100


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name, node = os.environ.get("POD_NAME", "?"), os.environ.get("NODE_NAME", "?")
        text = f"{name} {node} {self.client_address[0]} {self.server.server_port}"  # type: ignore[attr-defined]
        body = LONG if self.path == "/bytes" else text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """One line a request would be too much."""


def serve(offset: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # which the first process of a container does not heed else
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", UDP + offset))  # first: whoever reaches it over HTTP knows that this answers, too
    for port in (HTTP, ADMIN):
        threading.Thread(target=ThreadingHTTPServer(("", port + offset), Handler).serve_forever).start()
    while True:
        sent, client = udp.recvfrom(100)
        udp.sendto(os.environ.get("POD_NAME", "?").encode() + b" " + sent, client)  # whatever bytes those are


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        return bytes(answer.read())


def answer_of(url: str) -> str:
    try:
        return get(url).decode()
    except TimeoutError:
        return "timeout"
    except urllib.error.URLError as error:
        return "refused" if isinstance(error.reason, ConnectionRefusedError) else str(error.reason)


def ask_udp(host: str, port: int, count: int) -> None:
    """Always from the same port, so that the kernel takes it for one flow."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT_S)
        client.bind(("", 40053))
        client.connect((host, port))
        for _ in range(count):
            try:
                client.send(b"?")
                print(client.recv(100).decode().split()[0])
            except OSError as error:
                print("timeout" if isinstance(error, TimeoutError) else "refused")


def stream(host: str, port: int, seconds: float) -> None:
    sent: list[float] = []
    answered: dict[int, str] = {}
    due_s = time.monotonic()
    until_s = due_s + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((host, port))
        while due_s < until_s:
            _send(client, str(len(sent)))
            sent.append(time.monotonic())
            due_s += 1 / STREAMED_PER_S
            _hear(client, answered, due_s)
        _hear(client, answered, time.monotonic() + 1)
    for number, at_s in enumerate(sent):
        print(f"{at_s:.3f} {answered.get(number, '-')}")


def _send(client: socket.socket, text: str) -> None:
    """Unless it is refused: an earlier datagram's refusal is told at the next call, which then sends nothing."""
    for _ in range(2):
        try:
            client.send(text.encode())
            return
        except (ConnectionRefusedError, PermissionError):
            continue


def _hear(client: socket.socket, answered: dict[int, str], until_s: float) -> None:
    """Notes the answers until then."""
    while (left_s := until_s - time.monotonic()) > 0:
        client.settimeout(left_s)
        try:
            pod, number = client.recv(100).decode().split()
            answered[int(number)] = pod
        except TimeoutError:
            return
        except ConnectionRefusedError:
            continue


def main(command: str, *arguments: str) -> None:
    if command == "serve":
        serve(int(arguments[0]))
    elif command == "get":
        for _ in range(int(arguments[1])):
            print(answer_of(arguments[0]))
    elif command == "digest":
        print(hashlib.sha256(get(arguments[0])).hexdigest(), hashlib.sha256(LONG).hexdigest())
    elif command == "udp":
        ask_udp(arguments[0], int(arguments[1]), int(arguments[2]))
    elif command == "stream":
        stream(arguments[0], int(arguments[1]), float(arguments[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])
