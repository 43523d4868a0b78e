"""A store goes from SQLite to etcd and back: what is in it stays, and its revisions go on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.etcd import PROGRAM, EtcdCluster, running
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app.archives.migrating import ETCD, SQLITE, migrate, unused
from master.apiserver.app.opening import etcd_access
from master.apiserver.app.server_leases import IDENTITY, IDENTITY_LABEL
from master.apiserver.settings import ApiServerSettings, EtcdSettings
from master.store.contract import Delete, Put
from master.store.errors import Compacted, InUse, Locked, Replaced
from master.store.etcd.store import EtcdStore
from master.store.shifted import ShiftedStore
from master.store.sqlite.store import SqliteStore
from podlab.client.leaderelection.decide import ADDRESS
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import config_pb2
from podlab.meta.v1 import meta_pb2
from podlab.settings import SettingsError
from podlab.tls import Tls

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM} (scripts/bootstrap servers)")


@pytest.fixture
def own_etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running(tmp_path / "etcd") as made:
        yield made


@pytest.fixture
def said(tmp_path: Path, own_etcd: EtcdCluster) -> ApiServerSettings:
    nobody = Tls(Path("ca"), Path("cert"), Path("key"))
    return ApiServerSettings("test", "192.0.2.1", tmp_path, nobody, (), etcd=EtcdSettings(own_etcd.endpoints))


async def test_keys_and_values_stay_and_revisions_go_on_there_and_back(said: ApiServerSettings) -> None:
    assert said.etcd is not None
    store = await SqliteStore.open(said.data_dir / "store.db")
    for number in range(300):
        await store.commit(
            [Put(f"/a/{number}", str(number).encode() * 10, 0), Put("/last", str(number).encode(), None)]
        )
    last = await store.commit([Delete("/a/7", None), Put("/a/3", b"changed last", None)])
    with pytest.raises(Locked):
        await migrate(said, ETCD)
    await store.close()
    copied = await migrate(said, ETCD)
    assert (copied.keys, copied.before) == (300, last)
    shared = await EtcdStore.open(etcd_access(said.etcd))
    moved = ShiftedStore(shared, shared.shift)
    entries = {entry.key: entry for entry in (await moved.range("")).entries}
    assert entries["/a/3"].value == b"changed last"
    assert "/a/7" not in entries
    assert min(entry.mod_revision for entry in entries.values()) > last
    assert entries["/a/3"].mod_revision == max(entry.mod_revision for entry in entries.values())
    with pytest.raises(Compacted):
        await anext(moved.watch("/", last))
    later = await moved.commit([Put("/new", b"1", 0)])
    await moved.close()
    (said.data_dir / "store.db").unlink()
    back = await migrate(said, SQLITE)
    assert (back.keys, back.before) == (301, later)
    again = await SqliteStore.open(said.data_dir / "store.db")
    assert {entry.key: entry.value for entry in (await again.range("")).entries} == {
        **{key: entry.value for key, entry in entries.items()},
        "/new": b"1",
    }
    assert await again.commit([Put("/newer", b"", 0)]) > later
    await again.close()


async def test_a_target_that_is_not_empty_is_refused(said: ApiServerSettings) -> None:
    assert said.etcd is not None
    store = await SqliteStore.open(said.data_dir / "store.db")
    await store.commit([Put("/a", b"1", 0)])
    await store.close()
    await migrate(said, ETCD)
    with pytest.raises(Replaced, match=r"there is a store already .*etcdctl del --prefix"):
        await migrate(said, ETCD)
    with pytest.raises(Replaced, match=r"there is a store already; move .*store.db"):
        await migrate(said, SQLITE)
    elsewhere = replace(said, data_dir=said.data_dir / "none", etcd=replace(said.etcd, prefix="/other"))
    with pytest.raises(SettingsError, match=r"data_dir: there is no .*store\.db to copy; name the directory"):
        await migrate(elsewhere, ETCD)
    with pytest.raises(SettingsError, match="etcd: it is missing"):
        await migrate(replace(said, etcd=None), ETCD)


async def test_a_copy_that_was_cut_off_is_no_store(said: ApiServerSettings) -> None:
    assert said.etcd is not None
    begun = await EtcdStore.begin(etcd_access(said.etcd), 500)
    await begun.commit([Put("/a", b"1", 0)])
    with pytest.raises(Replaced, match="a copy of a store is not whole; remove all below"):
        await EtcdStore.open(etcd_access(said.etcd))
    again = await EtcdStore.begin(etcd_access(said.etcd), 700)
    assert not (await again.range("")).entries
    with pytest.raises(Replaced):
        await begun.commit([Put("/b", b"1", 0)])
    await again.complete()
    await asyncio.gather(begun.close(), again.close())
    with pytest.raises(Replaced, match="there is a store already"):
        await EtcdStore.begin(etcd_access(said.etcd), 900)


async def test_a_store_that_an_api_server_uses_is_not_copied(said: ApiServerSettings) -> None:
    assert said.etcd is not None
    lease = lease_pb2.Lease(metadata=meta_pb2.ObjectMeta(name="apiserver-x", namespace="kube-system"))
    lease.metadata.labels[IDENTITY_LABEL] = IDENTITY
    lease.metadata.annotations[ADDRESS] = "192.0.2.2:6443"
    key = "/registry/coordination.k8s.io/leases/kube-system/apiserver-x"
    store = await EtcdStore.open(etcd_access(said.etcd))
    await store.commit([Put(key, lease.SerializeToString(), 0)])
    await unused(store, within_s=0.2)  # it was killed, and has left it
    asking = asyncio.create_task(unused(store, within_s=20))
    await asyncio.sleep(0.1)
    await store.commit([Put(key, lease.SerializeToString(), None)])
    with pytest.raises(InUse, match=r"still used by the API server at 192\.0\.2\.2:6443"):
        await asking
    asking = asyncio.create_task(unused(store, within_s=20))
    await asyncio.sleep(0.1)
    await store.commit([Delete(key, None)])
    await asyncio.wait_for(asking, WITHIN_S)
    await store.close()


async def test_an_api_server_goes_on_in_etcd_with_what_it_had(
    cluster: Cluster, own_etcd: EtcdCluster, tmp_path: Path
) -> None:
    admin = await cluster.client()
    made = await admin.create(
        config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="settings", namespace="default"), data={"a": "1"})
    )
    await cluster.stop()
    cluster.settings = replace(cluster.settings, etcd=EtcdSettings(own_etcd.endpoints))
    file = cluster.settings_file(tmp_path)
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-m", "master.apiserver.app.store_command", "migrate", "--config", file, "--to", "etcd"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "copied to etcd and verified; revisions go on from " in done.stdout
    await cluster.start()
    found = await admin.get(config_pb2.ConfigMap, "settings", "default")
    assert (found.metadata.uid, dict(found.data)) == (made.metadata.uid, {"a": "1"})
    assert int(found.metadata.resourceVersion) > int(made.metadata.resourceVersion)
    found.data["a"] = "2"
    changed = await admin.update(found)
    assert int(changed.metadata.resourceVersion) > int(found.metadata.resourceVersion)
