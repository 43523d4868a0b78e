"""Callers that a front proxy names in headers, over TLS; and what extension API servers read to know theirs."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf

from master.apiserver.settings import FrontProxySettings
from podlab.deploy import front_proxy

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
NAMES = {"X-Remote-User": "jane", "X-Remote-Group": "devs", "X-Remote-Extra-Team": "blue", "X-Remote-Uid": "7"}


@asynccontextmanager
async def showing(cluster: Cluster, base: str, shown: FrontProxySettings) -> AsyncIterator[aiohttp.ClientSession]:
    """What a front proxy with that certificate sends, over connections of its own."""
    tls = ssl.create_default_context(cafile=str(cluster.settings.tls.ca))
    tls.load_cert_chain(shown.cert, shown.key)
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        yield session


@pytest.fixture
async def proxy(cluster: Cluster, base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """What a front proxy sends."""
    async with showing(cluster, base, cluster.authority.front_proxy()) as session:
        yield session


def front_proxy_of(directory: Path) -> FrontProxySettings:
    """An authority, and a certificate of it."""
    front_proxy.ensure(directory, ["master"])
    shown = directory / "master" / front_proxy.CLIENT
    ca = directory / front_proxy.FOLDER / "ca.crt"
    return FrontProxySettings(ca, shown.with_suffix(".crt"), shown.with_suffix(".key"))


async def asked(session: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    async with session.post(WHO, json=REVIEW, headers=headers) as response:
        told = await response.json()
        return response.status, told.get("status", {}).get("userInfo", {}) if response.status == 201 else told


async def test_whom_a_front_proxy_names_is_who_asks(proxy: aiohttp.ClientSession) -> None:
    status, told = await asked(proxy, NAMES)
    assert (status, told["username"], told["uid"]) == (201, "jane", "7")
    assert set(told["groups"] if isinstance(told["groups"], list) else ()) == {"devs", "system:authenticated"}
    assert told["extra"] == {"team": ["blue"]}
    async with proxy.get("/api/v1/nodes", headers=NAMES) as response:
        assert response.status == 403
    async with proxy.get("/api/v1/nodes", headers={**NAMES, "X-Remote-Group": "system:masters"}) as response:
        assert response.status == 200


async def test_its_certificate_alone_makes_it_nobody(proxy: aiohttp.ClientSession) -> None:
    for path in ("/version", "/api/v1/nodes"):
        async with proxy.get(path) as response:
            assert response.status == 401


async def test_whoever_shows_another_certificate_names_nobody(session_of: SessionOf) -> None:
    status, told = await asked(session_of("joe"), {**NAMES, "X-Remote-Group": "system:masters"})
    assert (status, told["username"]) == (201, "joe")
    status, _ = await asked(session_of(None), NAMES)
    assert status == 403


async def test_the_config_map_says_how_callers_are_known_and_comes_back(
    http: aiohttp.ClientSession, cluster: Cluster
) -> None:
    at = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    async with http.get(at) as response:
        found = (await response.json())["data"]
    shown = cluster.authority.front_proxy()
    assert found.pop("client-ca-file") == cluster.settings.tls.client_authorities().decode()
    assert found.pop("requestheader-client-ca-file") == shown.ca.read_text()
    assert {name.removeprefix("requestheader-"): json.loads(value) for name, value in found.items()} == {
        "allowed-names": ["front-proxy-client"],
        "username-headers": ["X-Remote-User"],
        "uid-headers": ["X-Remote-Uid"],
        "group-headers": ["X-Remote-Group"],
        "extra-headers-prefix": ["X-Remote-Extra-"],
    }
    async with http.patch(at, json={"data": {"more": "x"}}, headers={"Content-Type": "application/merge-patch+json"}):
        pass
    assert cluster.parts is not None
    for kept in cluster.parts.kept:
        await kept.ensure()
    async with http.get(at) as response:
        assert "more" not in (await response.json())["data"]


async def test_the_reader_role_gives_the_config_map_alone(http: aiohttp.ClientSession, session_of: SessionOf) -> None:
    bound = {
        "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": READER},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "joe"}],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings"
    async with http.post(path, json=bound) as response:
        assert response.status == 201
    joe = session_of("joe")
    for name, status in (("extension-apiserver-authentication", 200), ("kube-root-ca.crt", 403)):
        async with joe.get(f"/api/v1/namespaces/kube-system/configmaps/{name}") as response:
            assert response.status == status


READER = "extension-apiserver-authentication-reader"


async def test_a_new_authority_is_believed_without_a_restart(
    cluster: Cluster, base: str, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    old, new = front_proxy_of(tmp_path / "old"), front_proxy_of(tmp_path / "new")
    before = replace(old, ca=tmp_path / "ca.crt")
    before.ca.write_bytes(old.ca.read_bytes())
    await cluster.stop()
    cluster.settings = replace(cluster.settings, front_proxy=before)
    await cluster.start()
    async with showing(cluster, base, old) as session:
        assert (await asked(session, NAMES))[0] == 201
    before.ca.write_bytes(new.ca.read_bytes())
    async with showing(cluster, base, new) as session:
        assert (await asked(session, NAMES))[0] == 201
    async with showing(cluster, base, old) as session:
        with pytest.raises(aiohttp.ClientError):
            await asked(session, NAMES)
    assert cluster.parts is not None
    for kept in cluster.parts.kept:
        await kept.ensure()
    at = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    async with http.get(at) as response:
        told = (await response.json())["data"]
    assert told["requestheader-client-ca-file"] == new.ca.read_text()
