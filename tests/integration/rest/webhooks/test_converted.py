"""A kind as operators bring it: a definition with two versions, and one pod that converts, changes and judges its
objects."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from podlab_testing import webhook_pod
from podlab_testing.cluster import Cluster
from podlab_testing.custom_kinds import Rest
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.webhook_cases import API

from podlab.client.client import Client

KINDS = "/apis/hooks.example.com/{}/namespaces/default/websites"
RULES = [{"apiGroups": ["hooks.example.com"], "operations": ["CREATE", "UPDATE"], "resources": ["websites"]}]


async def answer(request: web.BaseRequest) -> web.Response:
    """As the pod of the end-to-end tests does."""
    review = json.loads(await request.read())
    asked.append((request.path, review["request"]))
    review["response"] = webhook_pod.ANSWERS[request.path](review.pop("request"))
    return web.json_response(review)


asked: list[tuple[str, dict[str, Any]]] = []


@pytest.fixture
async def websites(http: Any, cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Rest]:
    """Version v1, which is stored, is converted; webhooks are asked about v2."""
    asked.clear()
    rest = Rest(http)
    pods, authority = PodServers(cluster, admin), ServerAuthority(tmp_path / "authority")
    await pods.start()
    await pods.serve("hooks", answer, tls=authority.server("hooks.default.svc"))

    def client(path: str) -> dict[str, Any]:
        service = {"namespace": "default", "name": "hooks", "path": path}
        return {"service": service, "caBundle": base64.b64encode(authority.bundle).decode()}

    await rest.define(webhook_pod.definition(client("/convert")))
    for kind, path in (("mutating", "/mutate"), ("validating", "/validate")):
        hook = {
            "name": f"{kind}.hooks.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "clientConfig": client(path),
            "rules": [{**rule, "apiVersions": ["v2"]} for rule in RULES],
        }
        await rest("POST", f"{API}/{kind}webhookconfigurations", {"metadata": {"name": "hooks"}, "webhooks": [hook]})
    yield rest
    await pods.close()


def website(version: str, name: str, **labels: str) -> dict[str, Any]:
    spec = {"host": "example.com"} if version == "v1" else {"hostPort": "example.com:443"}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": f"hooks.example.com/{version}", "kind": "Website", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_objects_of_both_versions_are_judged_in_one(websites: Rest, version: str) -> None:
    made = await websites("POST", KINDS.format(version), website(version, "a"), code=201)
    assert made["apiVersion"] == f"hooks.example.com/{version}"
    assert made["metadata"]["annotations"]["seen"] == "by a pod"
    assert made["spec"] == website(version, "a")["spec"]
    judged = [request for path, request in asked if path != "/convert"]
    assert [request["object"]["spec"] for request in judged] == [{"hostPort": "example.com:443"}] * 2
    assert {request["requestKind"]["version"] for request in judged} == {version}
    for other, spec in (("v1", {"host": "example.com"}), ("v2", {"hostPort": "example.com:443"})):
        assert (await websites("GET", f"{KINDS.format(other)}/a"))["spec"] == spec
    refused = await websites("POST", KINDS.format(version), website(version, "b", bad="yes"), code=403)
    assert refused["message"] == 'admission webhook "validating.hooks.example.com" denied the request: it is bad'


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_webhooks_are_asked_once_for_each_write(websites: Rest, version: str) -> None:
    await websites("POST", KINDS.format(version), website(version, "a"), code=201)
    assert [path for path, _ in asked if path != "/convert"] == ["/mutate", "/validate"]
    asked.clear()
    await websites.patch(f"{KINDS.format(version)}/a", {"metadata": {"labels": {"x": "y"}}}, code=200)
    assert [path for path, _ in asked if path != "/convert"] == ["/mutate", "/validate"]
