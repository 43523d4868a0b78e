"""The API server outlives its etcd: it says what is wrong, and goes on when etcd is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.etcd import PROGRAM, EtcdCluster, running
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app import system_objects
from master.apiserver.settings import EtcdSettings
from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import ServiceUnavailable

ConfigMaps = Callable[..., config_pb2.ConfigMap]
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM} (scripts/bootstrap servers)")


@pytest.fixture
def own_etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running(tmp_path / "etcd") as made:
        yield made


@pytest.fixture
def stored_in(own_etcd: EtcdCluster) -> EtcdSettings:
    return EtcdSettings(own_etcd.endpoints)


async def test_reads_and_writes_are_refused_while_etcd_is_gone_and_all_goes_on_afterwards(
    cluster: Cluster, own_etcd: EtcdCluster, admin: Client, config_map: ConfigMaps
) -> None:
    made = await admin.create(config_map("kept", value="1"))
    seen: list[str] = []
    opened = asyncio.Event()

    async def watch() -> None:
        async for batch in admin.watch(
            config_pb2.ConfigMap, made.metadata.resourceVersion, "default", on_open=opened.set
        ):
            seen.extend(event.object.data["value"] for event in batch)
            return

    watching = asyncio.create_task(watch())
    await opened.wait()
    (member,) = own_etcd.members
    member.kill()
    for ask in (admin.get(config_pb2.ConfigMap, "kept", "default"), admin.create(config_map("new"))):
        with pytest.raises(ServiceUnavailable, match=r"etcd at .* does not answer"):
            await ask
    await asyncio.sleep(system_objects.EVERY_S)  # what the server does by itself has met it too
    member.start()
    await asyncio.to_thread(own_etcd.wait)
    found = await admin.get(config_pb2.ConfigMap, "kept", "default")
    assert found.data["value"] == "1"
    found.data["value"] = "2"
    await admin.update(found)
    await asyncio.wait_for(watching, WITHIN_S)
    assert seen == ["2"]
