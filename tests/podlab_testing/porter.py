"""Serves in a pod what its environment says, one text for each port: Python's standard library only.

`SERVE_PORT_N` is a text for port N, `SERVE_TLS_PORT_N` the same over TLS with `/tls/tls.crt`; a tag is told as HTML.
`ECHO_PORT=N` answers each request on port N with its method and path as JSON, speaks WebSocket to whoever asks for it,
and counts what is posted to /write, which /read tells.
"""

import base64
import hashlib
import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WRITTEN: list[str] = []
# RFC 6455, section 1.3.
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Says(BaseHTTPRequestHandler):
    text = ""

    def do_GET(self) -> None:
        kind = "text/html" if self.text.startswith("<") else "text/plain"
        self.answer(self.text.encode(), kind)

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """One line a request would be too much."""


class Echoes(Says):
    protocol_version = "HTTP/1.1"

    def tell(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.speak()
            return
        if self.path.startswith("/write"):
            WRITTEN.append(self.path)
        told = {"Method": self.command, "Path": self.path, "Body": body, "Written": WRITTEN}
        self.answer(json.dumps(told).encode(), "application/json")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = tell  # noqa: N815

    def speak(self) -> None:
        """Short text messages, in capitals."""
        accepted = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{_GUID}".encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accepted).decode())
        self.end_headers()
        while (head := self.rfile.read(2)) and head[0] & 15 == 1:
            mask, masked = self.rfile.read(4), self.rfile.read(head[1] & 127)
            text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)).upper()
            self.wfile.write(bytes((0x81, len(text))) + text)
        self.close_connection = True


def serve(port: int, handler: type[Says], tls: bool = False) -> None:
    server = ThreadingHTTPServer(("", port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()


def main() -> None:
    for name, text in os.environ.items():
        if name.startswith("SERVE_PORT_"):
            serve(int(name.removeprefix("SERVE_PORT_")), type("Texts", (Says,), {"text": text}))
        elif name.startswith("SERVE_TLS_PORT_"):
            serve(int(name.removeprefix("SERVE_TLS_PORT_")), type("Texts", (Says,), {"text": text}), tls=True)
    serve(int(os.environ.get("ECHO_PORT", "8081")), Echoes)


if __name__ == "__main__":
    main()
