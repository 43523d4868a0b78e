"""Two API servers on one etcd: what one has acknowledged, the other knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster, another_server
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import Conflict

ConfigMaps = Callable[..., config_pb2.ConfigMap]
pytestmark = pytest.mark.parametrize("backend", ["etcd"])
TIMES = 50


@pytest.fixture
async def second(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Client]:
    """The administrator's client of another API server."""
    async with another_server(cluster, tmp_path / "second", cluster.settings.etcd) as made:
        yield await made.client()


async def test_a_read_from_one_sees_what_the_other_has_written(
    admin: Client, second: Client, config_map: ConfigMaps
) -> None:
    await admin.create(config_map("counter", value="0"))
    for number in range(1, TIMES):
        writer, reader = (admin, second) if number % 2 else (second, admin)
        found = await writer.get(config_pb2.ConfigMap, "counter", "default")
        assert found.data["value"] == str(number - 1)
        found.data["value"] = str(number)
        written = await writer.update(found)
        read = await reader.get(config_pb2.ConfigMap, "counter", "default")
        assert (read.data["value"], read.metadata.resourceVersion) == (str(number), written.metadata.resourceVersion)
        (listed,) = [one for one in await _listed(reader) if one.metadata.name == "counter"]
        assert listed.data["value"] == str(number)


async def test_reads_that_alternate_never_go_back_in_time(
    admin: Client, second: Client, config_map: ConfigMaps
) -> None:
    await admin.create(config_map("counter", value="0"))

    async def write() -> None:
        for number in range(1, TIMES):
            found = config_map("counter", value=str(number))
            await (admin if number % 3 else second).update(found)

    writing = asyncio.create_task(write())
    seen = 0
    while not writing.done():
        for client in (admin, second):
            value = int((await client.get(config_pb2.ConfigMap, "counter", "default")).data["value"])
            assert value >= seen
            seen = value
    await writing


async def test_of_two_who_change_one_object_by_both_one_wins(
    admin: Client, second: Client, config_map: ConfigMaps
) -> None:
    await admin.create(config_map("shared", value="0"))
    for number in range(10):
        found = await admin.get(config_pb2.ConfigMap, "shared", "default")
        mine, theirs = (config_map("shared", value=f"{number}{side}") for side in "ab")
        mine.metadata.resourceVersion = theirs.metadata.resourceVersion = found.metadata.resourceVersion
        outcomes = await asyncio.gather(admin.update(mine), second.update(theirs), return_exceptions=True)
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, config_pb2.ConfigMap) for outcome in outcomes) == 1


async def test_a_watch_of_one_tells_what_the_other_writes(
    admin: Client, second: Client, config_map: ConfigMaps
) -> None:
    made = await admin.create(config_map("watched", value="none"))
    seen: list[str] = []

    async def watch() -> None:
        async for batch in second.watch(config_pb2.ConfigMap, made.metadata.resourceVersion, "default"):
            seen.extend(event.object.data["value"] for event in batch)
            if len(seen) == 2 * TIMES:
                return

    watching = asyncio.create_task(watch())
    for number in range(2 * TIMES):
        await (admin if number % 2 else second).update(config_map("watched", value=str(number)))
    await asyncio.wait_for(watching, WITHIN_S)
    assert seen == [str(number) for number in range(2 * TIMES)]


async def _listed(client: Client) -> list[config_pb2.ConfigMap]:
    return (await client.list(config_pb2.ConfigMap, "default")).items
