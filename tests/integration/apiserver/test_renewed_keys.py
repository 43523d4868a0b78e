"""Keys are replaced while API servers run: of Secrets in the store, and of service accounts' tokens."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path

import aiohttp
import orjson
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import tls_of

from master.apiserver.app.encryption import FollowedKeys, encrypted
from master.store.contract import Put
from master.store.encrypted import EncryptedStore
from master.store.keyring import MARK
from master.store.sqlite.store import SqliteStore
from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.deploy import secret_encryption, signing_keys
from podlab.kinds import builtin

STEPS = ("trust", "sign", "alone")
PREFIX = "/registry/core/secrets/default/"


class Server:
    """The part of an API server that encrypts, with a file of its own."""

    def __init__(self, inner: SqliteStore, path: Path, pki: Path) -> None:
        self._path, self._pki = path, pki
        self._place()
        self.store: EncryptedStore = encrypted(path, inner, builtin.catalog())
        self.keys = FollowedKeys(path, self.store)
        self.written: list[str] = []

    def _place(self) -> None:
        self._path.write_bytes((self._pki / "encryption/configuration.yaml").read_bytes())

    async def take_the_file(self) -> None:
        self._place()
        await self.keys.follow()

    async def write(self, name: str) -> None:
        self.written.append(PREFIX + name)
        await self.store.commit([Put(PREFIX + name, b"hunter2", 0)])


async def test_of_two_servers_each_reads_at_any_moment_what_the_other_writes(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    secret_encryption.ensure(pki)
    former = (pki / "encryption/current.key").read_text()
    inner = await SqliteStore.open(tmp_path / "store.db")
    servers = [Server(inner, tmp_path / f"{name}.yaml", pki) for name in "ab"]

    async def work(moment: str) -> None:
        for number, server in enumerate(servers):
            await server.write(f"{moment}-{number}")
        for server in servers:
            assert {entry.value for entry in (await server.store.range(PREFIX)).entries} == {b"hunter2"}

    try:
        await work("before")
        for step in STEPS:
            assert secret_encryption.advance(pki, step)
            secret_encryption.ensure(pki)
            for number, server in enumerate(servers):
                await server.take_the_file()
                await work(f"{step}-{number}")
        stored = (await inner.range(PREFIX)).entries
        current = (pki / "encryption/current.key").read_text()
        assert len(stored) == 14
        head = MARK + secret_encryption.key_name(current.strip()).encode()
        assert all(entry.value.startswith(head) for entry in stored)
        assert current != former
        assert former.strip() not in (tmp_path / "a.yaml").read_text()
    finally:
        await inner.close()


async def restarted(cluster: Cluster, **settings: object) -> None:
    await cluster.stop()
    cluster.settings = replace(cluster.settings, **settings)  # type: ignore[arg-type]
    await cluster.start()


async def test_a_server_that_runs_takes_a_new_key_and_needs_the_former_one_no_more(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    pki, path = tmp_path / "pki", tmp_path / "pki/encryption/configuration.yaml"
    secret_encryption.ensure(pki)
    await restarted(cluster, encryption=path)
    made = Secret(data={"password": b"hunter2"})
    made.metadata.name, made.metadata.namespace = "db", "default"
    await admin.create(made)
    assert cluster.parts is not None
    for step in STEPS:
        secret_encryption.advance(pki, step)
        secret_encryption.ensure(pki)
        await asyncio.sleep(2.5)  # nobody but systemd is told, and a restart with the file of now follows
        assert (await admin.get(Secret, "db", "default")).data["password"] == b"hunter2"
    await restarted(cluster)
    assert (await admin.get(Secret, "db", "default")).data["password"] == b"hunter2"


async def test_tokens_are_signed_with_the_next_key_and_the_former_ones_are_good_until_it_is_retired(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    pki = tmp_path / "pki"
    signing_keys.ensure(pki)
    folder = pki / signing_keys.FOLDER
    await restarted(cluster, service_account_keys=(folder / "signing.key", folder / "retired.pem"))
    account = ServiceAccount()
    account.metadata.name, account.metadata.namespace = "builder", "default"
    await admin.create(account)

    async def token() -> str:
        return (await admin.request_token("default", "builder", TokenRequestSpec(expirationSeconds=3600))).token

    async def status(of: str) -> int:
        url = f"https://127.0.0.1:{cluster.settings.rest_port}/api/v1/namespaces/default"
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls_of(cluster, None))) as session,
            session.get(url, headers={"Authorization": f"Bearer {of}"}) as response,
        ):
            return response.status

    def advance(step: str) -> None:
        assert signing_keys.advance(pki, step)
        signing_keys.ensure(pki)

    first = await token()
    advance("trust")
    assert key_of(await token()) == key_of(first)
    advance("sign")
    second = await token()
    assert key_of(second) != key_of(first)
    known, unknown = 403, 401
    assert [await status(each) for each in (first, second)] == [known, known]
    advance("alone")
    assert [await status(each) for each in (first, second)] == [unknown, known]


def key_of(token: str) -> str:
    header = token.partition(".")[0]
    decoded = urlsafe_b64decode(header + "=" * (-len(header) % 4))
    return str(orjson.loads(decoded)["kid"])
