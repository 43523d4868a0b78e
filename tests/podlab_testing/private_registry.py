"""A registry of one image, app:1, that wants to know who asks. A program of its own, for hosts that have Python alone:

python private_registry.py PORT
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "puller", "knows it"
_WANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_OCI = "application/vnd.oci.image"
_MANIFEST = f"{_OCI}.manifest.v1+json"


@dataclass
class Registry:
    """The image is of a single empty directory."""

    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as archive:
            directory = tarfile.TarInfo("empty")
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(directory)
        content = layer.getvalue()
        rootfs = {"type": "layers", "diff_ids": [_digest(content)]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
        described = {
            "config": self._blob(f"{_OCI}.config.v1+json", config),
            "layers": [self._blob(f"{_OCI}.layer.v1.tar", content)],
        }
        manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, **described}).encode()
        for name in ("1", _digest(manifest)):
            self.answers[f"/v2/app/manifests/{name}"] = (_MANIFEST, manifest)
        self.answers["/v2/"] = ("application/json", b"{}")

    def _blob(self, media_type: str, content: bytes) -> dict[str, object]:
        self.answers[f"/v2/app/blobs/{_digest(content)}"] = ("application/octet-stream", content)
        return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if self.headers.get("Authorization") != _WANTED:
                self._answer(HTTPStatus.UNAUTHORIZED, "application/json", b"{}")
            elif path in registry.answers:
                self._answer(HTTPStatus.OK, *registry.answers[path])
            else:
                self._answer(HTTPStatus.NOT_FOUND, "application/json", b"{}")

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
            self.send_response(status)
            if status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", 'Basic realm="images"')
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", _digest(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as http.server names it
            """Nothing."""

    return Handler


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _handler(Registry())).serve_forever()
