"""TLS, users, and never another store by mistake: against a real etcd."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.cluster import Authority
from podlab_testing.etcd import PROGRAM, EtcdCluster, running
from podlab_testing.waiting import WITHIN_S

from master.store.contract import Change, Put
from master.store.errors import Refused, Replaced, Unreachable
from master.store.etcd.access import ClientTls, access
from master.store.etcd.store import EtcdStore

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM} (scripts/bootstrap servers)")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running(tmp_path / "etcd") as made:
        yield made


async def test_a_client_shows_its_certificate_and_knows_etcd_by_its_authority(
    tmp_path: Path, authority: Authority
) -> None:
    shown, own = authority.tls("etcd"), authority.tls("system:apiserver")
    flags = [
        f"--cert-file={shown.cert}",
        f"--key-file={shown.key}",
        f"--trusted-ca-file={shown.ca}",
        "--client-cert-auth",
    ]
    with running(tmp_path / "etcd", arguments=flags, scheme="https", wait=False) as cluster:
        store = await EtcdStore.open(access(cluster.endpoints, tls=ClientTls(own.ca, own.cert, own.key)))
        await store.commit([Put("/a", b"1", 0)])
        await store.close()
        with pytest.raises(Unreachable):
            await EtcdStore.open(access(cluster.endpoints, tls=ClientTls(own.ca)))
        stranger = Authority(tmp_path / "stranger").tls("system:apiserver")
        with pytest.raises(Unreachable):
            await EtcdStore.open(access(cluster.endpoints, tls=ClientTls(stranger.ca, own.cert, own.key)))


def add_users(cluster: EtcdCluster) -> None:
    """root, and podlab, who may read and write below /podlab/."""
    (member,) = cluster.members
    member.asked("auth/user/add", {"name": "root", "password": "root"})
    member.asked("auth/user/grant", {"user": "root", "role": "root"})
    member.asked("auth/user/add", {"name": "podlab", "password": "right"})
    member.asked("auth/role/add", {"name": "podlab"})
    below = {"permType": "READWRITE", "key": _base64("/podlab/"), "range_end": _base64("/podlab0")}
    member.asked("auth/role/grant", {"name": "podlab", "perm": below})
    member.asked("auth/user/grant", {"user": "podlab", "role": "podlab"})
    member.asked("auth/enable", {})


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_user_reads_and_writes_below_the_prefix_alone(cluster: EtcdCluster) -> None:
    await asyncio.to_thread(add_users, cluster)
    right = access(cluster.endpoints, user="podlab", password="right")
    store = await EtcdStore.open(right)
    at = await store.commit([Put("/a", b"1", 0)])
    watch = store.watch("/", at)
    coming = asyncio.ensure_future(anext(watch))
    await store.commit([Put("/b", b"1", 0)])
    assert [change.key for change in await asyncio.wait_for(coming, WITHIN_S)] == ["/b"]
    await store.compact(at)
    await watch.aclose()
    await store.close()
    with pytest.raises(Refused, match="permission denied; grant the user reading and writing below the prefix"):
        await EtcdStore.open(replace(right, prefix="/other"))
    with pytest.raises(Refused, match="give the right user and password"):
        await EtcdStore.open(replace(right, password="wrong"))
    with pytest.raises(Refused, match="etcd wants a user: give user and password"):
        await EtcdStore.open(access(cluster.endpoints))


async def test_a_token_of_before_a_restart_is_renewed(cluster: EtcdCluster) -> None:
    await asyncio.to_thread(add_users, cluster)
    store = await EtcdStore.open(access(cluster.endpoints, user="podlab", password="right"))
    at = await store.commit([Put("/a", b"1", 0)])
    watch = store.watch("/", at)
    coming = asyncio.ensure_future(anext(watch))
    (member,) = cluster.members
    member.kill()
    member.start()
    entry = await store.get("/a")
    assert entry is not None
    await store.commit([Put("/b", b"1", 0)])
    assert [change.key for change in await asyncio.wait_for(coming, WITHIN_S)] == ["/b"]
    await watch.aclose()
    await store.close()


async def test_a_server_takes_no_other_store_and_no_empty_one_for_its_own(tmp_path: Path, cluster: EtcdCluster) -> None:
    identity = tmp_path / "identity"
    ours = access(cluster.endpoints)
    store = await EtcdStore.open(ours, identity)
    await store.commit([Put("/a", b"1", 0)])
    await store.close()
    await (await EtcdStore.open(ours, identity)).close()
    with pytest.raises(Replaced, match=r"there is no store, and this server has used podlab-store/1 .*remove"):
        await EtcdStore.open(access(cluster.endpoints, prefix="/other"), identity)
    await (await EtcdStore.open(access(cluster.endpoints, prefix="/other"))).close()
    with pytest.raises(Replaced, match=r"there is another store \(podlab-store/1 "):
        await EtcdStore.open(access(cluster.endpoints, prefix="/other"), identity)


async def test_an_etcd_that_was_emptied_takes_no_write_and_ends_watches(tmp_path: Path, cluster: EtcdCluster) -> None:
    store = await EtcdStore.open(access(cluster.endpoints))
    at = await store.commit([Put("/a", b"1", None)])
    (member,) = cluster.members
    everything: dict[str, object] = {"key": _base64("\0"), "range_end": _base64("\0")}
    await asyncio.to_thread(member.asked, "kv/deleterange", everything)
    with pytest.raises(Replaced, match="restore it from a backup"):
        await store.commit([Put("/b", b"1", None)])
    with pytest.raises(Replaced):
        await store.revision()
    with pytest.raises(Replaced):
        await anext(store.watch("/", at))
    await store.close()


async def test_keys_without_a_mark_are_not_taken_for_a_store(cluster: EtcdCluster) -> None:
    (member,) = cluster.members
    await asyncio.to_thread(member.asked, "kv/put", {"key": _base64("/podlab/data/x"), "value": ""})
    with pytest.raises(Replaced, match="there are keys, and no mark of a store"):
        await EtcdStore.open(access(cluster.endpoints))


async def test_a_commit_larger_than_etcd_takes_is_refused_with_the_setting(cluster: EtcdCluster) -> None:
    store = await EtcdStore.open(access(cluster.endpoints, most_request_bytes=10 << 20))
    with pytest.raises(Refused, match="--max-request-bytes"):
        await store.commit([Put("/a", bytes(2 << 20), None)])
    most = access(cluster.endpoints)
    ours = await EtcdStore.open(most)
    await ours.commit([Put("/a", bytes(ours.limits.value_bytes), None)])
    each = ours.limits.value_bytes // ours.limits.operations
    await ours.commit([Put(f"/{number:0250}", bytes(each), 0) for number in range(ours.limits.operations)])
    await ours.close()
    await store.close()


async def test_large_commits_reach_watchers_whole(tmp_path: Path) -> None:
    flags = ["--max-txn-ops=2000", "--max-request-bytes=8388608"]
    with running(tmp_path / "large", arguments=flags) as cluster:
        large = access(cluster.endpoints, most_operations=2000, most_request_bytes=8 << 20)
        store = await EtcdStore.open(large)
        at = await store.revision()
        values = [Put(f"/{number}", bytes(3000), None) for number in range(1500)]
        await store.commit(values)
        await store.commit(values)
        watch = store.watch("/", at)
        seen: list[Change] = []
        while len(seen) < 3000:
            batch = await asyncio.wait_for(anext(watch), WITHIN_S)
            assert len(batch) % 1500 == 0
            seen += batch
        found = await store.range("/")
        assert len(found.entries) == 1500
        await watch.aclose()
        await store.close()
