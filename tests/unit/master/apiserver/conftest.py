"""A store on a fresh file, and a cache that follows it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from master.apiserver.admission.chain import Admission
from master.apiserver.cache import Cache
from master.apiserver.registry.claims import Claims
from master.apiserver.registry.registry import Registry
from master.apiserver.registry.strategy import table
from master.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "store.db")
    yield opened
    await opened.close()


@pytest.fixture
async def cache(store: SqliteStore) -> AsyncIterator[Cache]:
    """Loaded and following."""
    made = Cache(store)
    await made.load()
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@pytest.fixture
def registry(cache: Cache) -> Registry:
    claims = Claims(IPv4Network("10.96.0.0/16"), lambda: cache.claims, random.Random(1))
    return Registry(cache, table(300), claims, Admission(cache))
