"""Clients of the REST API on the shared fixture's real server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from kubernetes import client as k8s
from podlab_testing.cluster import Cluster
from podlab_testing.extended_cluster import Extended, extended_cluster
from podlab_testing.http_clients import SessionOf, tls_of
from podlab_testing.kubectl import Kubectl
from podlab_testing.rest_listeners import RestListeners

from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.meta.v1 import meta_pb2


@pytest.fixture
def base(cluster: Cluster) -> str:
    return f"https://127.0.0.1:{cluster.settings.rest_port}"


@pytest.fixture
def config_map_of() -> Callable[[str], config_pb2.ConfigMap]:
    return lambda name: config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))


@pytest.fixture
async def listeners(cluster: Cluster) -> AsyncIterator[RestListeners]:
    made = RestListeners(cluster)
    yield made
    await made.close()


@pytest.fixture
async def session_of(cluster: Cluster, base: str) -> AsyncIterator[SessionOf]:
    sessions: list[aiohttp.ClientSession] = []

    def make(user: str | None) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls_of(cluster, user))
        sessions.append(aiohttp.ClientSession(base, connector=connector))
        return sessions[-1]

    yield make
    for session in sessions:
        await session.close()
    await asyncio.sleep(0)


@pytest.fixture
async def http(session_of: SessionOf) -> aiohttp.ClientSession:
    """The administrator's raw HTTP."""
    return session_of("kubernetes-admin")


@pytest.fixture
def api_client(cluster: Cluster, base: str) -> Iterator[k8s.ApiClient]:
    """Kubernetes' own Python client; its calls block, so tests make them in threads."""
    tls = cluster.authority.tls()
    settings = k8s.Configuration(host=base)
    settings.ssl_ca_cert, settings.cert_file, settings.key_file = str(tls.ca), str(tls.cert), str(tls.key)
    with k8s.ApiClient(settings) as client:
        yield client
        client.rest_client.pool_manager.clear()


@pytest.fixture
def kubectl(cluster: Cluster, base: str, tmp_path: Path) -> Kubectl:
    """The real one, as the administrator's."""
    tls = cluster.authority.tls()
    user = {"client-certificate": str(tls.cert), "client-key": str(tls.key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": base, "certificate-authority": str(tls.ca)}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return Kubectl(shutil.which("kubectl") or "", path, tmp_path)


@pytest.fixture
async def extended(
    cluster: Cluster, admin: Client, http: aiohttp.ClientSession, tmp_path: Path
) -> AsyncIterator[Extended]:
    """With an API server behind a Service, of which no APIService tells yet."""
    async with extended_cluster(cluster, admin, http, tmp_path / "wardle") as made:
        yield made


@pytest.fixture
async def serving(extended: Extended) -> Extended:
    """Its APIService is available."""
    await extended.register()
    await extended.becomes("True", "Passed")
    return extended
