"""A store on a fresh file, a cache that follows it, and roles and bindings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.rbac import Rbac, binding, role
from podlab_testing.registry import WritableRegistry, registry_of

from master.apiserver.watchcache.cache import Cache
from master.store.sqlite.store import SqliteStore


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
def registry(cache: Cache) -> WritableRegistry:
    return registry_of(cache)


@pytest.fixture
def rbac() -> Rbac:
    return Rbac()


@pytest.fixture
def new_role() -> Callable[..., Any]:
    return role


@pytest.fixture
def new_binding() -> Callable[..., Any]:
    return binding


@pytest.fixture(scope="session")
def new_rbac() -> tuple[Any, ...]:
    """What makes policies, roles and bindings, as often as a test likes."""
    return Rbac, role, binding
