"""A small API server that extends a cluster's: group wardle.example.com with flunders, as Kubernetes' sample-apiserver.

It believes the headers of whoever shows a certificate of the front proxy's authority. Python's own library is all that
it needs, so that it runs in a pod as well: there it reads ConfigMap extension-apiserver-authentication to know its
callers, and asks the cluster what they may (SubjectAccessReview), as its service account.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

GROUP, VERSION, KIND, PLURAL = "wardle.example.com", "v1alpha1", "Flunder", "flunders"
API_VERSION = f"{GROUP}/{VERSION}"
ROOT = f"/apis/{GROUP}/{VERSION}"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SCHEMA = f"com.example.wardle.{VERSION}.{KIND}"
_GVK = {"group": GROUP, "version": VERSION, "kind": KIND}

Object = dict[str, Any]


@dataclass
class Flunders:
    """All of them, and what has become of them."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    events: list[tuple[str, Object]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Who asked for what."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    broken: set[str] = field(default_factory=set)
    """Paths below which it answers something senseless."""
    aggregated: bool = True
    """Whether it knows aggregated discovery, and not only the older one."""

    def put(self, namespace: str, given: Object, old: Object | None = None, *, dry: bool = False) -> Object:
        """A dry run stores nothing."""
        with self.changed:
            revision = str(len(self.events) + 1)
            own = {**given.get("metadata", {}), "namespace": namespace, "resourceVersion": revision}
            own["uid"] = (old or {}).get("metadata", {}).get("uid") or str(uuid.uuid4())
            own.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            made = {**given, "apiVersion": API_VERSION, "kind": KIND, "metadata": own}
            if dry:
                return made
            self.objects[namespace, own["name"]] = made
            self._tell("ADDED" if old is None else "MODIFIED", made)
            return made

    def remove(self, namespace: str, name: str) -> Object | None:
        with self.changed:
            if self.objects.get((namespace, name), {}).get("metadata", {}).get("finalizers"):
                return None
            gone = self.objects.pop((namespace, name), None)
            if gone is not None:
                self._tell("DELETED", gone)
            return gone

    def of(self, namespace: str, labels: str = "") -> list[Object]:
        wanted = dict(part.split("=", 1) for part in labels.split(",") if "=" in part)
        found = [one for (at, _), one in sorted(self.objects.items()) if not namespace or at == namespace]
        return [one for one in found if wanted.items() <= one["metadata"].get("labels", {}).items()]

    def _tell(self, what: str, about: Object) -> None:
        self.events.append((what, about))
        self.changed.notify_all()


class Refused(Exception):
    """An answer that is no success: its code, reason and message."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request after the other of a connection."""

    protocol_version = "HTTP/1.1"
    server: ExtensionServer

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.body: Any = json.loads(self.rfile.read(length)) if length else {}
        try:
            caller = self._caller()
            self._note(caller, url.path)
            if any(url.path.startswith(path) for path in self.server.flunders.broken):
                self._send(200, b"<html>not what you want</html>", "text/html")
                return
            self._authorize(caller, url.path)
            self._dispatch(url.path)
        except Refused as refused:
            code, reason, message = refused.args
            status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
            self._json({**status, "reason": reason, "message": message, "code": code}, code)

    def _caller(self) -> dict[str, Any]:
        """Whom a front proxy names."""
        assert isinstance(self.connection, ssl.SSLSocket)
        shown = self.connection.getpeercert() or {}
        subject: Any = shown.get("subject", ())
        name = dict(part[0] for part in subject).get("commonName")
        user = self.headers.get("X-Remote-User")
        if name not in self.server.allowed_names or not user:
            raise Refused(401, "Unauthorized", "Unauthorized")
        extra: dict[str, list[str]] = {}
        for header, value in self.headers.items():
            if header.lower().startswith("x-remote-extra-"):
                extra.setdefault(header[len("x-remote-extra-") :].lower(), []).append(value)
        groups = self.headers.get_all("X-Remote-Group") or []
        return {"user": user, "groups": groups, "uid": self.headers.get("X-Remote-Uid", ""), "extra": extra}

    def _note(self, caller: dict[str, Any], path: str) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = {"method": self.command, "path": path, "query": self.query, "headers": headers, **caller}
        self.server.flunders.requests.append(told)

    def _authorize(self, caller: dict[str, Any], path: str) -> None:
        if self.server.cluster is None or "system:masters" in caller["groups"]:
            return
        if not self.server.cluster.allows(caller, self.command, path):
            raise Refused(403, "Forbidden", f'User "{caller["user"]}" cannot {self.command} path "{path}"')

    def _dispatch(self, path: str) -> None:
        parts = path.removeprefix(ROOT).strip("/").split("/")
        if path in DISCOVERY or path.startswith("/openapi/"):
            self._discover(path)
        elif not path.startswith(f"{ROOT}/"):
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        elif parts[0] == PLURAL:
            self._about("", *parts[1:])
        elif len(parts) > 2 and parts[0] == "namespaces" and parts[2] == PLURAL:
            self._about(parts[1], *parts[3:])
        else:
            raise Refused(404, "NotFound", "the server could not find the requested resource")

    def _discover(self, path: str) -> None:
        if path == "/apis" and self.server.flunders.aggregated and "as=APIGroupDiscoveryList" in self._accepted():
            self._json(AGGREGATED, media_type=_AGGREGATED, tag='"apis-1"')
        elif path == "/apis" and "as=APIGroupDiscoveryList" in self._accepted() and "," not in self._accepted():
            raise Refused(406, "NotAcceptable", "only application/json")
        elif path in DISCOVERY:
            self._json(DISCOVERY[path])
        elif path in OPENAPI:
            self._json(OPENAPI[path], tag='"openapi-1"')
        else:
            raise Refused(404, "NotFound", "the server could not find the requested resource")

    def _accepted(self) -> str:
        return self.headers.get("Accept", "")

    def _about(self, namespace: str, name: str = "", below: str = "") -> None:
        if below == "echo":
            self._echo()
        elif name:
            self._one(namespace, name)
        elif self.command == "GET" and self.query.get("watch") in ("true", "1"):
            self._watch(namespace)
        elif self.command == "GET":
            self._json(self._list(namespace))
        elif self.command == "POST":
            if (namespace, self.body["metadata"]["name"]) in self.server.flunders.objects:
                raise Refused(409, "AlreadyExists", f'{PLURAL} "{self.body["metadata"]["name"]}" already exists')
            self._json(self.server.flunders.put(namespace, self.body, dry=self._is_dry()), 201)
        else:
            listed = self._list(namespace)
            for one in listed["items"]:
                self.server.flunders.remove(one["metadata"]["namespace"], one["metadata"]["name"])
            self._json(listed)

    def _one(self, namespace: str, name: str) -> None:
        flunders = self.server.flunders
        found = flunders.objects.get((namespace, name))
        if found is None:
            raise Refused(404, "NotFound", f'{PLURAL}.{GROUP} "{name}" not found')
        if self.command == "DELETE":
            flunders.remove(namespace, name)
            self._json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        elif self.command == "GET":
            self._json(found)
        else:
            new = self.body if self.command == "PUT" else _merged(found, self.body)
            self._json(flunders.put(namespace, new, found, dry=self._is_dry()))

    def _is_dry(self) -> bool:
        return self.query.get("dryRun") == "All"

    def _list(self, namespace: str) -> Object:
        flunders = self.server.flunders
        found = flunders.of(namespace, self.query.get("labelSelector", ""))
        metadata = {"resourceVersion": str(len(flunders.events))}
        return {"kind": f"{KIND}List", "apiVersion": API_VERSION, "metadata": metadata, "items": found}

    def _watch(self, namespace: str) -> None:
        """Events since a revision, until the time that was asked for is over."""
        flunders, seen = self.server.flunders, int(self.query.get("resourceVersion") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        ends = time.monotonic() + float(self.query.get("timeoutSeconds") or 600)
        while not self.server.is_closing and time.monotonic() < ends:
            with flunders.changed:
                if len(flunders.events) == seen:
                    flunders.changed.wait(ends - time.monotonic())
                told, seen = flunders.events[seen:], len(flunders.events)
            for what, about in told:
                if not namespace or about["metadata"]["namespace"] == namespace:
                    line = json.dumps({"type": what, "object": about}).encode() + b"\n"
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                    self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _echo(self) -> None:
        """A WebSocket, or another protocol, by which the bytes that come go back as they are."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers["Upgrade"])
        if key := self.headers.get("Sec-WebSocket-Key"):
            accepted = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest())
            self.send_header("Sec-WebSocket-Accept", accepted.decode())
        self.end_headers()
        self.wfile.flush()
        while piece := self.connection.recv(65536):
            self.connection.sendall(piece)
        self.close_connection = True

    def _json(self, value: Any, code: int = 200, *, media_type: str = "application/json", tag: str = "") -> None:
        if tag and self.headers.get("If-None-Match") == tag:
            self._send(304, b"", media_type, tag)
        else:
            self._send(code, json.dumps(value).encode(), media_type, tag)

    def _send(self, code: int, content: bytes, media_type: str, tag: str = "") -> None:
        self.send_response(code)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(content)


class ExtensionServer(ThreadingHTTPServer):
    """Serves TLS on a port until `close`."""

    daemon_threads = False

    def __init__(
        self,
        address: tuple[str, int],
        tls: ssl.SSLContext,
        *,
        allowed_names: tuple[str, ...] = ("front-proxy-client",),
        cluster: Delegation | None = None,
    ) -> None:
        super().__init__(address, Handler)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.flunders = Flunders()
        self.allowed_names = allowed_names
        self.cluster = cluster
        self.is_closing = False
        self._connections: set[socket.socket] = set()

    def start(self) -> int:
        """Serve in a thread; the port."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        port: int = self.server_address[1]
        return port

    def close(self) -> None:
        """End it, and watches with it."""
        self.is_closing = True
        with self.flunders.changed:
            self.flunders.changed.notify_all()
        self.shutdown()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        """The next connection, which is known until it is closed."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        """The connection is over."""
        self._connections.discard(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up is nobody to tell of."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def context(certificate: Path, key: Path, client_ca: str) -> ssl.SSLContext:
    """Callers may show a certificate of the front proxy's authority, PEM."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.load_verify_locations(cadata=client_ca)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


class Delegation:
    """The cluster that a pod is in, asked as its service account."""

    def __init__(self, host: str, account: Path = ACCOUNT) -> None:
        self._host = host
        self._account = account
        self._tls = ssl.create_default_context(cafile=str(account / "ca.crt"))

    def authentication(self) -> dict[str, str]:
        """By what callers are known."""
        found = self._ask("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
        data: dict[str, str] = found["data"]
        return data

    def allows(self, caller: dict[str, Any], method: str, path: str) -> bool:
        """Whether the caller may do this."""
        spec: dict[str, Any] = {"user": caller["user"], "groups": caller["groups"], "uid": caller["uid"]}
        parts = path.removeprefix(f"{ROOT}/").split("/")
        if path.startswith(f"{ROOT}/"):
            namespace = parts[1] if parts[0] == "namespaces" else ""
            verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
            asked = {"group": GROUP, "version": VERSION, "resource": PLURAL, "namespace": namespace, "verb": verb}
            spec["resourceAttributes"] = asked
        else:
            spec["nonResourceAttributes"] = {"path": path, "verb": method.lower()}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = self._ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPSConnection(self._host, context=self._tls, timeout=10)
        token = (self._account / "token").read_text()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
            if response.status >= 300:
                raise RuntimeError(f"{method} {path}: {response.status} {content.decode()}")
            return json.loads(content)
        finally:
            connection.close()


def _merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict) or not isinstance(target, dict):
        return patch
    kept = {name: value for name, value in target.items() if name not in patch}
    return kept | {name: _merged(target.get(name), value) for name, value in patch.items() if value is not None}


_RESOURCE = {"name": PLURAL, "singularName": "flunder", "namespaced": True, "kind": KIND, "verbs": VERBS}
DISCOVERY: dict[str, Object] = {
    "/healthz": {},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    ROOT: {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": API_VERSION,
        "resources": [
            {**_RESOURCE, "shortNames": ["fl"]},
            {**_RESOURCE, "name": f"{PLURAL}/echo", "singularName": "", "verbs": ["get"]},
        ],
    },
}
AGGREGATED: Object = {
    "kind": "APIGroupDiscoveryList",
    "apiVersion": "apidiscovery.k8s.io/v2",
    "metadata": {},
    "items": [
        {
            "metadata": {"name": GROUP},
            "versions": [
                {
                    "version": VERSION,
                    "resources": [
                        {
                            "resource": PLURAL,
                            "responseKind": _GVK,
                            "scope": "Namespaced",
                            "singularResource": "flunder",
                            "verbs": VERBS,
                            "shortNames": ["fl"],
                            "subresources": [{"subresource": "echo", "responseKind": _GVK, "verbs": ["get"]}],
                        }
                    ],
                }
            ],
        }
    ],
}
_MODEL: Object = {
    "type": "object",
    "description": "A flunder is what wardles like.",
    "properties": {
        "apiVersion": {"type": "string", "description": "Its version."},
        "kind": {"type": "string", "description": "Its kind."},
        "metadata": {"type": "object", "description": "Its name, and what else all have."},
        "spec": {"type": "object", "properties": {"color": {"type": "string", "description": "What it looks like."}}},
    },
    "x-kubernetes-group-version-kind": [_GVK],
}
_INFO = {"title": "wardle", "version": "1"}


def _listing(reference: Object) -> Object:
    return {
        "get": {
            "tags": ["wardle"],
            "description": "list flunders",
            "operationId": "listFlunders",
            "produces": ["application/json"],
            "schemes": ["https"],
            "responses": {"200": {"description": "OK", **reference}},
            "x-kubernetes-action": "list",
            "x-kubernetes-group-version-kind": _GVK,
        }
    }


OPENAPI: dict[str, Object] = {
    "/openapi/v2": {
        "swagger": "2.0",
        "info": _INFO,
        "paths": {
            f"{ROOT}/{PLURAL}": _listing({"schema": {"$ref": f"#/definitions/{_SCHEMA}"}}),
            "/version/": _listing({}),
        },
        "definitions": {_SCHEMA: _MODEL, "unused": {"type": "object"}},
    },
    "/openapi/v3": {"paths": {ROOT.lstrip("/"): {"serverRelativeURL": f"/openapi/v3{ROOT}?hash=1"}}},
    f"/openapi/v3{ROOT}": {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": {
            f"{ROOT}/{PLURAL}": _listing(
                {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_SCHEMA}"}}}}
            )
        },
        "components": {"schemas": {_SCHEMA: _MODEL}},
    },
}


def main() -> None:
    """Serve in a pod."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", type=Path, required=True, help="a folder with tls.crt and tls.key")
    parser.add_argument("--port", type=int, default=8443)
    service = ":".join(os.environ.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
    parser.add_argument("--cluster", default=service, help="the API server: host, or host:port")
    asked = parser.parse_args()
    cluster = Delegation(asked.cluster)
    known = cluster.authentication()
    tls = context(asked.tls / "tls.crt", asked.tls / "tls.key", known["requestheader-client-ca-file"])
    names = tuple(json.loads(known["requestheader-allowed-names"]))
    ExtensionServer(("", asked.port), tls, allowed_names=names, cluster=cluster).serve_forever()


if __name__ == "__main__":
    main()
