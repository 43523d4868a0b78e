"""Owners and quotas of kinds that another API server serves: collected and counted as those that are served here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.extended_cluster import FLUNDERS, Extended, eventually, extended_cluster, flunder
from podlab_testing.extension_server import API_VERSION
from podlab_testing.http_clients import tls_of

from master.controllers.framework.informers import Informers
from master.controllers.garbagecollection.garbagecollector.controller import GarbageCollector
from master.controllers.namespaces.resourcequota import ResourceQuotaController
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder

MAPS = "/api/v1/namespaces/default/configmaps"
QUOTAS = "/api/v1/namespaces/default/resourcequotas"
Found = Callable[[], Awaitable[bool]]


@pytest.fixture
async def serving(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Extended]:
    """The administrator's REST, and a server whose APIService is available."""
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, ADMIN))
    address = f"https://127.0.0.1:{cluster.settings.rest_port}"
    async with (
        aiohttp.ClientSession(address, connector=connector) as http,
        extended_cluster(cluster, admin, http, tmp_path / "wardle") as made,
    ):
        await made.register()
        await made.becomes("True", "Passed")
        yield made


@pytest.fixture
async def controllers(cluster: Cluster, serving: Extended) -> AsyncIterator[Informers]:
    """Working as they do in a cluster, once they know of flunders."""
    client = await cluster.client("system:kube-controller-manager")
    informers = Informers(client)
    loops = (
        GarbageCollector(client, informers, EventRecorder(client, "test")),
        ResourceQuotaController(client, informers),
    )
    tasks = [asyncio.create_task(one.run()) for one in (informers, *loops)]
    await informers.synced()
    yield informers
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def made(serving: Extended, path: str, body: dict[str, Any], *owners: dict[str, str]) -> dict[str, Any]:
    body["metadata"] = {**body["metadata"], "ownerReferences": list(owners)}
    async with serving.http.post(path, json=body) as response:
        found: dict[str, Any] = await response.json()
        assert response.status == 201, found
        return found


def owning(found: dict[str, Any], kind: str, api_version: str) -> dict[str, str]:
    own = found["metadata"]
    return {"apiVersion": api_version, "kind": kind, "name": own["name"], "uid": own["uid"]}


def gone(serving: Extended, path: str) -> Found:
    async def is_gone() -> bool:
        async with serving.http.get(path) as response:
            return response.status == 404

    return is_gone


async def test_what_owns_and_what_is_owned_may_be_elsewhere(serving: Extended, controllers: Informers) -> None:
    parent = await made(serving, FLUNDERS, flunder("parent"))
    reference = owning(parent, "Flunder", API_VERSION)
    here = await made(serving, MAPS, {"metadata": {"name": "of-a-flunder"}}, reference)
    await made(serving, FLUNDERS, flunder("child"), reference)
    await made(serving, FLUNDERS, flunder("of-a-map"), owning(here, "ConfigMap", "v1"))
    await made(serving, MAPS, {"metadata": {"name": "lost"}}, {**reference, "name": "nobody", "uid": "none"})
    await eventually(gone(serving, f"{MAPS}/lost"), "what never had its owner goes")
    for path in (f"{MAPS}/of-a-flunder", f"{FLUNDERS}/child", f"{FLUNDERS}/of-a-map"):
        assert not await gone(serving, path)(), path
    async with serving.http.delete(f"{FLUNDERS}/parent") as response:
        assert response.status == 200
    for path in (f"{MAPS}/of-a-flunder", f"{FLUNDERS}/child", f"{FLUNDERS}/of-a-map"):
        await eventually(gone(serving, path), f"{path} goes")


async def test_nothing_goes_while_their_server_is_away(serving: Extended, controllers: Informers) -> None:
    parent = await made(serving, FLUNDERS, flunder("parent"))
    reference = owning(parent, "Flunder", API_VERSION)
    await made(serving, MAPS, {"metadata": {"name": "first"}}, {**reference, "name": "nobody", "uid": "none"})
    await eventually(gone(serving, f"{MAPS}/first"), "flunders are known")
    async with serving.http.delete("/api/v1/namespaces/default/services/wardle") as response:
        assert response.status == 200
    await serving.becomes("False", "ServiceNotFound")
    await made(serving, MAPS, {"metadata": {"name": "unsure"}}, {**reference, "name": "who", "uid": "knows"})
    await made(serving, MAPS, {"metadata": {"name": "sure"}}, {**reference, "kind": "ConfigMap", "apiVersion": "v1"})
    await eventually(gone(serving, f"{MAPS}/sure"), "what was written later has been looked at")
    assert not await gone(serving, f"{MAPS}/unsure")()


async def test_quotas_count_them(serving: Extended, controllers: Informers) -> None:
    hard = {"count/flunders.wardle.example.com": "5"}
    await made(serving, QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": hard}})

    def used(number: str) -> Found:
        async def is_used() -> bool:
            async with serving.http.get(f"{QUOTAS}/q") as response:
                status = (await response.json()).get("status", {})
            return bool(status.get("used") == dict.fromkeys(hard, number))

        return is_used

    await eventually(used("0"), "none are counted")
    await made(serving, FLUNDERS, flunder("one"))
    await eventually(used("1"), "one is counted")
    async with serving.http.delete(f"{FLUNDERS}/one") as response:
        assert response.status == 200
    await eventually(used("0"), "it is counted no more")
