"""A REST client of the shared fixture's server, and one that has CronTabs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from podlab_testing import custom_kinds
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.custom_kinds import Rest
from podlab_testing.http_clients import tls_of


@pytest.fixture
async def rest(cluster: Cluster) -> AsyncIterator[Rest]:
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, ADMIN))
    address = f"https://127.0.0.1:{cluster.settings.rest_port}"
    async with aiohttp.ClientSession(address, connector=connector) as session:
        yield Rest(session)


@pytest.fixture
async def crontabs(rest: Rest) -> Rest:
    """The same, once its server serves CronTabs."""
    await rest.define(custom_kinds.definition())
    return rest
