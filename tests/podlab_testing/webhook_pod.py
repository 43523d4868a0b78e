"""A webhook as a pod of the lab runs it: Python's own HTTPS server, which imports nothing of ours.

`/mutate` marks what is created, `/validate` refuses what is marked as bad, `/convert` renames a field between versions.
"""

import base64
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def mutate(request: dict[str, Any]) -> dict[str, Any]:
    patch = [{"op": "add", "path": "/metadata/annotations", "value": {"seen": "by a pod"}}]
    return {
        "uid": request["uid"],
        "allowed": True,
        "patchType": "JSONPatch",
        "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
    }


def validate(request: dict[str, Any]) -> dict[str, Any]:
    is_bad = "bad" in (request["object"]["metadata"].get("labels") or {})
    status = {"code": 403, "reason": "Forbidden", "message": "it is bad"}
    return {"uid": request["uid"], "allowed": not is_bad, "status": status if is_bad else {}}


def convert(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": request["uid"],
        "result": {"status": "Success"},
        "convertedObjects": [converted(one, request["desiredAPIVersion"]) for one in request["objects"]],
    }


def converted(one: dict[str, Any], version: str) -> dict[str, Any]:
    """v1 calls it `host`, v2 `hostPort`, with a port behind a colon."""
    spec = dict(one["spec"])
    if version.endswith("/v2"):
        spec["hostPort"] = spec.pop("host") + ":443"
    else:
        spec["host"] = spec.pop("hostPort").partition(":")[0]
    return {**one, "apiVersion": version, "spec": spec}


def definition(client: dict[str, Any], group: str = "hooks.example.com") -> dict[str, Any]:
    """Websites of both versions, of which v1 is stored."""

    def version(name: str, field: str) -> dict[str, Any]:
        spec = {"type": "object", "required": [field], "properties": {field: {"type": "string"}}}
        schema = {"type": "object", "properties": {"spec": spec}}
        return {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema}}

    webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"websites.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "websites", "kind": "Website"},
            "scope": "Namespaced",
            "versions": [version("v1", "host"), version("v2", "hostPort")],
            "conversion": {"strategy": "Webhook", "webhook": webhook},
        },
    }


ANSWERS = {"/mutate": mutate, "/validate": validate, "/convert": convert}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        review["response"] = ANSWERS[self.path.partition("?")[0]](review.pop("request"))
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = ThreadingHTTPServer(("", 8443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
