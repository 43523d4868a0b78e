"""A cluster with an API server behind a Service, which no APIService tells of until a test wants it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from podlab.client.client import Client
from podlab_testing import extension_server
from podlab_testing.cluster import Cluster
from podlab_testing.extension_server import GROUP, ROOT, VERSION, ExtensionServer
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.waiting import EVERY_S, WITHIN_S

NAME = f"{VERSION}.{GROUP}"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
FLUNDERS = f"{ROOT}/namespaces/default/flunders"


def flunder(name: str, **spec: str) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": name}, "spec": spec}


@dataclass
class Extended:
    """A cluster with an extension API server, which no APIService tells of yet."""

    pods: PodServers
    server: ExtensionServer
    authority: ServerAuthority
    http: aiohttp.ClientSession

    async def register(self, **changes: Any) -> dict[str, Any]:
        """The APIService of its group version, created."""
        spec = {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 2000,
            "versionPriority": 200,
            "service": {"namespace": "default", "name": "wardle"},
            "caBundle": base64.b64encode(self.authority.bundle).decode(),
            **changes,
        }
        kind = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
        async with self.http.post(SERVICES, json={**kind, "metadata": {"name": NAME}, "spec": spec}) as response:
            told: dict[str, Any] = await response.json()
            assert response.status == 201, told
            return told

    async def get(self, path: str, accept: str = "application/json") -> Any:
        async with self.http.get(path, headers={"Accept": accept}) as response:
            return await response.json()

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What the server was asked by others than the API server itself."""
        return [one for one in self.server.flunders.requests if one["user"] != "system:kube-aggregator"]

    async def available(self) -> tuple[str, str, str]:
        """Status, reason and message of its condition."""
        found = await self.get(f"{SERVICES}/{NAME}")
        for one in found.get("status", {}).get("conditions", ()):
            return one["status"], one["reason"], one["message"]
        return "", "", ""

    async def becomes(self, status: str, reason: str) -> str:
        """The message, once the condition is so."""
        await eventually(lambda: self._is(status, reason), f"{status} ({reason})")
        return (await self.available())[2]

    async def _is(self, status: str, reason: str) -> bool:
        return (await self.available())[:2] == (status, reason)

    async def discovered(self) -> dict[str, Any]:
        """What aggregated discovery tells of the group version; empty when it is not there."""
        found = await self.get("/apis", AGGREGATED)
        for group in found["items"]:
            if group["metadata"]["name"] == GROUP:
                (version,) = group["versions"]
                return dict(version)
        return {}


async def eventually(holds: Callable[[], Awaitable[object]], what: str) -> None:
    """Looks again and again. Raises AssertionError."""
    ends = asyncio.get_running_loop().time() + WITHIN_S
    while not await holds():
        assert asyncio.get_running_loop().time() < ends, what
        await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def extended_cluster(
    cluster: Cluster, admin: Client, http: aiohttp.ClientSession, directory: Path
) -> AsyncIterator[Extended]:
    """The server listens while the block runs."""
    authority, pods = ServerAuthority(directory), PodServers(cluster, admin)
    authority.server("wardle.default.svc")
    certificate, key = (authority.directory / f"wardle.default.svc.{ending}" for ending in ("crt", "key"))
    tls = extension_server.context(certificate, key, cluster.authority.front_proxy().ca.read_text())
    server = ExtensionServer(("127.0.0.1", 0), tls)
    port = server.start()
    await pods.start()
    try:
        await pods.pod("wardle")
        await pods.service("wardle")
        await pods.endpoint("wardle", port, "wardle")
        yield Extended(pods, server, authority, http)
    finally:
        await pods.close()
        await asyncio.to_thread(server.close)
