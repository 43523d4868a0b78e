"""A console before a cluster with all controllers, whose nodes are a stand-in, and a browser that looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.cluster_view import WAIT_S, ClusterView
from podlab_testing.consoles import Opened, console, signed_in, upstream
from podlab_testing.fake_nodes import FakeNodes
from podlab_testing.ports import reserved_ports
from podlab_testing.seeing_client import SeeingClient

from master.controllers import main
from master.controllers.settings import ControllersSettings, SigningSettings
from podlab.client.client import Client
from podlab.console import pages
from podlab.console.upstream import UpstreamError

USER = "system:kube-controller-manager"
CLUSTER = "test"


@pytest.fixture
async def controllers(cluster: Cluster) -> AsyncIterator[None]:
    """All of them, running."""
    settings = ControllersSettings(
        apiserver=cluster.server,
        bind_address="127.0.0.1",
        tls=cluster.authority.tls(USER),
        pod_cidr="10.244.0.0/16",
        node_monitor_grace_s=3600.0,
        signing=SigningSettings(*cluster.authority.signing()),
        load_balancer_pool=(),
    )
    synced = asyncio.Event()
    async with Client(cluster.server, cluster.authority.tls(USER)) as client:
        task = asyncio.create_task(main.work(settings, client, synced))
        await asyncio.wait_for(synced.wait(), WAIT_S)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def nodes(cluster: Cluster, controllers: None) -> AsyncIterator[FakeNodes]:
    """Nodes n1 and n2."""
    async with SeeingClient(cluster.server, cluster.authority.tls()) as client:
        seen = ClusterView(client)
        following = asyncio.create_task(seen.informers.run())
        await seen.informers.synced()
        made = FakeNodes(seen.client, seen.informers)
        playing = asyncio.create_task(made.run())
        for name in ("n1", "n2"):
            await made.add(name)
        yield made
        for task in (playing, following):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def user() -> str:
    """Whose rights the console has."""
    return ADMIN


@pytest.fixture
async def built(cluster: Cluster, user: str) -> AsyncIterator[Opened]:
    """A console with the pages that were built."""
    try:
        folder = pages.folder()
    except UpstreamError as error:
        pytest.skip(str(error))
    with reserved_ports(1) as (port,):
        async with console(
            port, folder, upstream(CLUSTER, cluster.settings.rest_port, cluster.authority.tls(user))
        ) as made:
            yield made


class Api:
    """The cluster's REST API, by way of the console."""

    def __init__(self, client: aiohttp.ClientSession, origin: dict[str, str]) -> None:
        self._client = client
        self._origin = origin

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._sent("POST", path, body)

    async def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._sent("PUT", path, body)

    async def get(self, path: str) -> dict[str, Any]:
        async with self._client.get(f"/clusters/{CLUSTER}{path}") as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status < 300, told
            return told

    async def _sent(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        to = f"/clusters/{CLUSTER}{path}"
        async with self._client.request(method, to, json=body, headers=self._origin) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status < 300, told
            return told


@pytest.fixture
async def api(built: Opened) -> AsyncIterator[Api]:
    async with signed_in(built) as client:
        yield Api(client, built.origin)
