"""A real API server's store is backed up while it is written to, is lost, and comes back out of the archive."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.cluster import Cluster

from master.store import archive
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.deploy.restored import counted, missing
from podlab.errors import Expired
from podlab.meta.v1.meta_pb2 import ObjectMeta

WRITERS = 6
BACKUPS = 5

on_both_stores = pytest.mark.parametrize("backend", ["sqlite", "etcd"])


async def podlab_store(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, and what it printed."""
    program = [sys.executable, "-m", "master.apiserver.app.store_command", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, complained = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode(), complained.decode()


def config_map(name: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data={"name": name})


@on_both_stores
async def test_an_archive_holds_what_was_acknowledged_up_to_its_revision_and_nothing_later(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    config = cluster.settings_file(tmp_path)
    revisions: dict[str, int] = {}
    stop = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            name = f"w-{writer}-{number}"
            revisions[name] = int((await admin.create(config_map(name))).metadata.resourceVersion)
            number += 1

    async with asyncio.TaskGroup() as writing:
        for writer in range(WRITERS):
            writing.create_task(write(writer))
        for number in range(BACKUPS):
            code, _, complained = await podlab_store("backup", "--config", config, tmp_path / f"{number}")
            assert code == 0, complained
        stop.set()
    seen = set()
    for number in range(BACKUPS):
        path = tmp_path / f"{number}"
        header, _ = archive.verify(path)
        held = {
            entry.key.rpartition("/")[2] for entry in archive.entries(path) if "/configmaps/default/w-" in entry.key
        }
        assert held == {name for name, revision in revisions.items() if revision <= header.revision}
        seen.add(len(held))
    assert len(seen) == BACKUPS, "nothing was written meanwhile"


async def lose_store(cluster: Cluster) -> None:
    """The file is gone; or the etcd is another one, with nothing in it."""
    await cluster.stop()
    if cluster.settings.etcd is not None:
        empty = replace(cluster.settings.etcd, prefix=f"{cluster.settings.etcd.prefix}-new")
        cluster.settings = replace(cluster.settings, etcd=empty)
        return
    shutil.rmtree(cluster.settings.data_dir)
    cluster.settings.data_dir.mkdir()


@on_both_stores
async def test_a_store_that_was_lost_comes_back_and_clients_list_again(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    secret = Secret(metadata=ObjectMeta(name="s", namespace="default"), data={"k": b"v"})
    made = await admin.create(secret)
    await admin.create(config_map("a"))
    archived = tmp_path / "archive"
    code, printed, _ = await podlab_store("backup", "--json", "--config", cluster.settings_file(tmp_path), archived)
    told: dict[str, Any] = json.loads(printed)
    assert (code, told["cluster"], told["objects"]["secrets"]) == (0, "test", 1)
    last = (await admin.create(config_map("later"))).metadata.resourceVersion
    assert (await podlab_store("restore", "--config", cluster.settings_file(tmp_path), archived))[0] == 1
    await lose_store(cluster)
    code, printed, complained = await podlab_store("restore", "--config", cluster.settings_file(tmp_path), archived)
    assert code == 0, complained
    assert f"{told['keys']} keys with {told['value_bytes']} bytes restored and verified" in printed
    await cluster.start()
    found = await admin.get(Secret, "s", "default")
    assert (found.metadata.uid, dict(found.data)) == (made.metadata.uid, {"k": b"v"})
    assert int(found.metadata.resourceVersion) > int(last)
    names = {each.metadata.name for each in (await admin.list(ConfigMap, "default")).items}
    assert ("a" in names, "later" in names) == (True, False)
    with pytest.raises(Expired):
        async with aclosing(admin.watch(ConfigMap, last)) as watch:
            await anext(watch)


async def test_the_objects_of_an_archive_are_counted_by_the_api_server_too(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    await admin.create(config_map("a"))
    code, printed, _ = await podlab_store(
        "backup", "--json", "--config", cluster.settings_file(tmp_path), tmp_path / "archive"
    )
    wanted: dict[str, int] = json.loads(printed)["objects"]
    found = await counted(admin, wanted)
    assert (code, missing(wanted, found)) == (0, [])
    assert found.keys() == wanted.keys()
    await admin.delete(ConfigMap, "a", "default")
    (lacking,) = missing(wanted, await counted(admin, wanted))
    assert lacking.startswith("configmaps: the archive has ")


async def test_a_user_who_names_what_is_no_archive_is_told(cluster: Cluster, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("something else")
    code, printed, complained = await podlab_store("verify", wrong)
    assert (code, printed) == (1, "")
    assert complained == (
        f"error: {wrong}: it is no archive that podlab-store has written; name one (podlab-store backup)\n"
    )
