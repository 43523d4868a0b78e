"""A webhook that converts Endpoints of the tests, and what may be wrong with it.

Version v1 says hostPort, v2 host and port: as in Kubernetes' own tests of conversion.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

GROUP = "stable.example.com"
PLACE = f"/apis/{GROUP}/{{version}}/namespaces/default/servers"
Review = dict[str, Any]


def version(name: str, *, storage: bool = False, served: bool = True) -> dict[str, Any]:
    """One of the two versions: each knows its own fields, and has a default of its own."""
    properties: dict[str, Any] = {"hostPort": {"type": "string", "maxLength": 20}}
    if name == "v2":
        properties = {"host": {"type": "string", "maxLength": 15}, "port": {"type": "string"}}
    spec = {**properties, "replicas": {"type": "integer"}, "defaults": {"type": "object", "default": {}}}
    flags = {"type": "boolean"}
    defaults = {one: {**flags, "default": True} if one == name else flags for one in ("v1", "v2")}
    spec["defaults"] = {"type": "object", "properties": defaults, "default": {}}
    status = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}, "status": status}}
    column = {"name": "Where", "type": "string", "jsonPath": ".spec.hostPort" if name == "v1" else ".spec.host"}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    return {
        "name": name,
        "served": served,
        "storage": storage,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, "scale": scale},
        "additionalPrinterColumns": [column],
    }


def definition(client: dict[str, Any], *, storage: str = "v1", reviews: tuple[str, ...] = ("v1",)) -> dict[str, Any]:
    """Servers, which `client` converts."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"servers.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"plural": "servers", "kind": "Server"},
            "scope": "Namespaced",
            "versions": [version(name, storage=name == storage) for name in ("v1", "v2")],
            "conversion": {
                "strategy": "Webhook",
                "webhook": {"clientConfig": client, "conversionReviewVersions": list(reviews)},
            },
        },
    }


def service_client(name: str, bundle: bytes, path: str = "/crdconvert") -> dict[str, Any]:
    """The webhook behind a Service of namespace default."""
    service = {"namespace": "default", "name": name, "path": path}
    return {"service": service, "caBundle": base64.b64encode(bundle).decode()}


def server(name: str, version: str = "v1", **spec: Any) -> dict[str, Any]:
    """A small one."""
    own: dict[str, Any] = {"hostPort": "localhost:80"} if version == "v1" else {"host": "localhost", "port": "80"}
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "Server",
        "metadata": {"name": name},
        "spec": {**own, **spec},
    }


def converted(obj: dict[str, Any], api_version: str) -> dict[str, Any]:
    """As the webhook does it."""
    spec = dict(obj["spec"])
    if api_version.endswith("/v2") and "hostPort" in spec:
        spec["host"], _, spec["port"] = spec.pop("hostPort").partition(":")
    elif api_version.endswith("/v1") and "host" in spec:
        spec["hostPort"] = f"{spec.pop('host')}:{spec.pop('port', '')}"
    return {**obj, "apiVersion": api_version, "spec": spec}


def answer(review: Review, objects: list[Any], **result: str) -> Review:
    """The review that is sent back."""
    response = {
        "uid": review["request"]["uid"],
        "convertedObjects": objects,
        "result": result or {"status": "Success"},
    }
    return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}


def right(review: Review) -> Review:
    """What a webhook answers that is in order."""
    request = review["request"]
    return answer(review, [converted(one, request["desiredAPIVersion"]) for one in request["objects"]])


@dataclass
class ConversionServer:
    """Answers as `reply` says; `asked` are the reviews that it got. It waits for `answers` before each answer."""

    reply: Callable[[Review], Review | web.Response] = right
    asked: list[Review] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """One review."""
        review: Review = json.loads(await request.read())
        self.asked.append(review)
        self.arrived.set()
        await self.answers.wait()
        found = self.reply(review)
        return found if isinstance(found, web.Response) else web.json_response(found)
