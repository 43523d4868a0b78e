"""A webhook that hangs, lies, loops or answers too much hurts nobody but those who are asked about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from podlab_testing.http_clients import SessionOf
from podlab_testing.webhook_cases import configure
from podlab_testing.webhook_server import WebhookServer

from master.apiserver.admission.plugins.webhooks.invocation import AT_ONCE

MAPS = "/api/v1/namespaces/default/configmaps"
LABELLED = {"objectSelector": {"matchLabels": {"hook": "yes"}}}


def config_map(name: str, **labels: str) -> Mapping[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


async def created(http: aiohttp.ClientSession, name: str, **labels: str) -> tuple[int, str]:
    async with http.post(MAPS, json=config_map(name, **labels)) as response:
        return response.status, (await response.json()).get("message", "")


async def test_a_webhook_that_hangs_holds_up_nobody_else(
    http: aiohttp.ClientSession, server: WebhookServer, session_of: SessionOf
) -> None:
    await configure(http, server, [{"name": "hangs", "timeoutSeconds": 30, "answer": {"hang": True}, **LABELLED}])
    slow = session_of("kubernetes-admin")
    waiting = [asyncio.create_task(created(slow, f"slow-{number}", hook="yes")) for number in range(2 * AT_ONCE)]
    await server.until_hanging(AT_ONCE)
    others = await asyncio.gather(*(created(http, f"quick-{number}") for number in range(20)))
    assert {status for status, _ in others} == {201}
    assert not any(task.done() for task in waiting)
    assert server.most_hanging == AT_ONCE
    for task in waiting:
        task.cancel()
    await server.until_hanging(0)


async def test_a_huge_answer_is_not_read(http: aiohttp.ClientSession, server: WebhookServer) -> None:
    await configure(http, server, [{"name": "huge", "answer": {"raw": "x" * (8 << 20)}}])
    status, message = await created(http, "a")
    assert status == 500
    assert "the answer has more than" in message


async def test_a_patch_that_explodes_is_refused(http: aiohttp.ClientSession, server: WebhookServer) -> None:
    doubling = [{"op": "copy", "from": "/metadata", "path": "/metadata/labels/x"}] * 40
    patch = [{"op": "add", "path": "/metadata/labels", "value": {}}, *doubling]
    await configure(http, server, [{"name": "bomb", "type": "mutating", "answer": {"patch": patch}}])
    status, message = await created(http, "a")
    assert status == 500
    assert message.startswith("Internal error occurred: ")


async def test_a_webhook_that_hangs_up_is_a_failed_call(http: aiohttp.ClientSession, server: WebhookServer) -> None:
    await configure(http, server, [{"name": "rude", "answer": {"hang_up": True}}])
    status, message = await created(http, "a")
    assert status == 500
    assert message.startswith('Internal error occurred: failed calling webhook "rude.webhooks.test": ')


async def test_a_webhook_that_asks_for_itself_ends(
    http: aiohttp.ClientSession, server: WebhookServer, session_of: SessionOf
) -> None:
    """Each of its own requests asks it once more, until one has no time left."""
    own, depth = session_of("kubernetes-admin"), 0

    async def loops(request: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal depth
        depth += 1
        status, message = await created(own, f"loop-{depth}", hook="yes")
        return {"deny": {"message": f"{status}: {message}"}}

    await configure(http, server, [{"name": "loops", "timeoutSeconds": 3, **LABELLED}])
    server.answers["loops"] = loops
    status, message = await created(http, "first", hook="yes")
    assert status == 500
    assert "context deadline exceeded" in message
    assert depth > 1
    assert (await created(http, "other"))[0] == 201


async def test_all_webhooks_of_a_write_are_asked_within_its_time(
    http: aiohttp.ClientSession, server: WebhookServer
) -> None:
    """A client that leaves is not waited for: its request to the webhook ends."""
    await configure(http, server, [{"name": "hangs", "timeoutSeconds": 30, "answer": {"hang": True}}])
    waiting = asyncio.create_task(created(http, "a"))
    await server.until_hanging(1)
    waiting.cancel()
    await server.until_hanging(0)
