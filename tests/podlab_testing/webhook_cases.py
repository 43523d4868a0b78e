"""Cases of webhooks as data: who is configured and how they answer, what is sent, and what becomes of it.

A case says:

- `webhooks`: each with a `name` of one word, `type` (mutating, or else validating), `answer` (see `WebhookServer`),
  maybe the `configuration` that it is in (else one of its own, named as it is), `trusts: nobody` for one without
  caBundle, and fields of its configuration;
- `sends`: requests, one after the other; the webhooks are configured after those that say `before: true`. Each has a
  `method`, a `path`, a `body`, the `status` expected (2xx where nothing is said), and maybe the `message` or how it
  `begins`, what the answer has to contain (`has`), and its `warnings`;
- `asked`: the webhooks that were asked, in order, each maybe with what its request has to contain;
- `reads`: a path, and what is there in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from podlab_testing.webhook_server import WebhookServer

API = "/apis/admissionregistration.k8s.io/v1"
CONFIG_MAPS = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["configmaps"],
}
_OF_TEST = ("name", "type", "answer", "configuration", "trusts")


async def configure(http: aiohttp.ClientSession, server: WebhookServer, webhooks: list[Mapping[str, Any]]) -> None:
    """Make configurations of the webhooks, which answer as they are told."""
    for webhook in webhooks:
        server.answers[webhook["name"]] = webhook.get("answer", {})
    made: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for webhook in webhooks:
        plural = f"{webhook.get('type', 'validating')}webhookconfigurations"
        of = plural, webhook.get("configuration", webhook["name"])
        made.setdefault(of, []).append(webhook_of(server, webhook))
    for (plural, name), of_configuration in made.items():
        body = {"metadata": {"name": name}, "webhooks": of_configuration}
        async with http.post(f"{API}/{plural}", json=body) as response:
            assert response.status == 201, await response.text()


def webhook_of(server: WebhookServer, said: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook as configurations have it."""
    fields = {name: value for name, value in said.items() if name not in _OF_TEST}
    client = server.client(said["name"])
    if "trusts" in said:
        del client["caBundle"]
    return {
        "name": f"{said['name']}.webhooks.test",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": client,
        "rules": [CONFIG_MAPS],
        **fields,
    }


async def run(http: aiohttp.ClientSession, server: WebhookServer, case: Mapping[str, Any]) -> None:
    """Try the case."""
    sends = case["sends"]
    for said in (one for one in sends if one.get("before")):
        await _send(http, said)
    await configure(http, server, case["webhooks"])
    server.asked.clear()
    for said in (one for one in sends if not one.get("before")):
        await _send(http, said)
    if (asked := case.get("asked")) is not None:
        assert server.names() == [one if isinstance(one, str) else next(iter(one)) for one in asked]
        for (_, request), one in zip(server.asked, asked, strict=True):
            if not isinstance(one, str):
                assert_has(request, next(iter(one.values())), "request")
    if (reads := case.get("reads")) is not None:
        async with http.get(reads["path"]) as response:
            assert response.status == reads.get("status", 200)
            assert_has(await response.json(), reads.get("has", {}), "")


async def _send(http: aiohttp.ClientSession, said: Mapping[str, Any]) -> None:
    method, body = said.get("method", "POST"), said.get("body")
    headers = {"Content-Type": said.get("type", "application/json")}
    async with http.request(method, said["path"], json=body, headers=headers) as response:
        answer = await response.json()
        expected = said.get("status", response.status if response.ok else 200)
        assert response.status == expected, answer
        if "message" in said:
            assert answer["message"] == said["message"]
        if "begins" in said:
            assert answer["message"].startswith(said["begins"]), answer["message"]
        assert_has(answer, said.get("has", {}), "")
        assert response.headers.getall("Warning", []) == said.get("warnings", [])


def assert_has(found: Any, wanted: Any, path: str) -> None:
    """Whether all that is wanted is there. `null` is what is not there, or null."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            inner = found.get(name) if isinstance(found, dict) else None
            assert_has(inner, value, f"{path}.{name}")
    elif isinstance(wanted, list) and any(isinstance(one, dict) for one in wanted):
        assert isinstance(found, list), f"{path}: {found}"
        assert len(found) == len(wanted), f"{path}: {found}"
        for index, value in enumerate(wanted):
            assert_has(found[index], value, f"{path}[{index}]")
    else:
        assert found == wanted, f"{path}: {found!r} is not {wanted!r}"
