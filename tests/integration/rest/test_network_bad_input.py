"""What the network cannot be made to do is refused by field, value and rule, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

PORT = {"name": "http", "port": 80}
SERVICES, POLICIES = (
    "/api/v1/namespaces/default/services",
    "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
)
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 62])  # 254 characters
NODE_PORT = 31999


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "bad"}, "spec": {"ports": [PORT], **spec}}


def policy(**port: Any) -> dict[str, Any]:
    return {"metadata": {"name": "bad"}, "spec": {"podSelector": {}, "ingress": [{"ports": [port]}]}}


@pytest.mark.parametrize(
    ("path", "body", "field", "told"),
    [
        (
            SERVICES, service(type="NodePort", clusterIP="10.97.0.1", ports=[{**PORT, "nodePort": NODE_PORT}]),
            "spec.clusterIPs", "10.97.0.1",
        ),
        (SERVICES, service(clusterIP="10.96.0.256"), "spec.clusterIPs[0]", "10.96.0.256"),
        (SERVICES, service(type="NodePort", ports=[{**PORT, "nodePort": 80}]), "spec.ports[0].nodePort", "30000-32767"),
        (SERVICES, service(externalIPs=["127.0.0.1"]), "spec.externalIPs[0]", "127.0.0.1"),
        (SERVICES, service(type="ExternalName", externalName=LONG), "spec.externalName", "no more than 253"),
        (SERVICES, service(type="ExternalName", externalName="a_b..c"), "spec.externalName", "a_b..c"),
        (SERVICES, service(ports=[{**PORT, "port": 65536}]), "spec.ports[0].port", "between 1 and 65535"),
        (POLICIES, policy(port=90, endPort=80), "spec.ingress[0].ports[0].endPort", "greater than or equal to `port`"),
        (POLICIES, policy(port="http", endPort=80), "spec.ingress[0].ports[0].endPort", "`port` is"),
        (POLICIES, policy(port=80, endPort=65536), "spec.ingress[0].ports[0].endPort", "between 1 and 65535"),
    ],
)  # fmt: skip
async def test_it_is_refused_and_nothing_of_it_stays(
    http: aiohttp.ClientSession, path: str, body: dict[str, Any], field: str, told: str
) -> None:
    async with http.post(path, json=body) as response:
        answer = await response.json()
    assert (response.status, answer["reason"]) == (422, "Invalid"), answer
    assert field in {cause["field"] for cause in answer["details"]["causes"]}, answer
    assert told in answer["message"]
    async with http.get(f"{path}/bad") as response:
        assert response.status == 404
    async with http.get("/apis/networking.k8s.io/v1/ipaddresses") as response:
        kept = [each["spec"]["parentRef"]["name"] for each in (await response.json())["items"]]
    assert "bad" not in kept
    good = {"metadata": {"name": "good"}, "spec": {"type": "NodePort", "ports": [{**PORT, "nodePort": NODE_PORT}]}}
    async with http.post(SERVICES, json=good) as response:
        assert response.status == 201, await response.text()
