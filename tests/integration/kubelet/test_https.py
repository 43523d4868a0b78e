"""The kubelet's HTTPS endpoint, with a real API server that says who may."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from podlab_testing import rbac
from podlab_testing.cluster import Cluster
from podlab_testing.memory_node import MemoryKubelet

from node.kubelet.figures import KubeletFigures
from node.kubelet.nodestatus.measurement import Surveyor
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.server.documents import Documents
from node.kubelet.server.https import https_server
from node.kubelet.server.https.https_server import HttpsServer
from node.kubelet.server.https.reviews import Reviews
from node.kubelet.settings import KubeletSettings
from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.client.client import Client
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.tls import Tls

LOOK_S = 0.05


@dataclass
class Endpoint:
    url: str
    cluster: Cluster
    shown: Tls

    async def ask(self, path: str, *, user: str = "", token: str = "", method: str = "GET") -> tuple[int, str]:
        """Status and text of the answer to whoever shows that certificate, or token, or nothing."""
        context = ssl.create_default_context(cafile=str(self.shown.ca))
        if user:
            own = self.cluster.authority.tls(user)
            context.load_cert_chain(own.cert, own.key)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, self.url + path, headers=headers) as answer,
        ):
            return answer.status, await answer.text()


@pytest.fixture
async def endpoint(cluster: Cluster, kubelet: MemoryKubelet, root: Path) -> AsyncIterator[Endpoint]:
    assert kubelet.runner is not None
    kubelet.runtime.files = root
    client, runner = await cluster.client("system:node:n1"), kubelet.runner
    issued, shown = cluster.authority.tls("system:node:n1"), Tls(root / "ca.crt", root / "own.crt", root / "own.key")
    for source, target in zip(issued.paths(), shown.paths(), strict=True):
        shutil.copy(source, target)
    pods = runner.pods.list
    surveyor = Surveyor("n1", root, kubelet.runtime, StatsProvider(kubelet.runtime, "n1"), pods)
    settings = KubeletSettings("n1", "127.0.0.1", cluster.server, shown)
    documents = Documents(settings, surveyor, runner.volume_stats, KubeletFigures(), pods)
    listening = https_server.listen("127.0.0.1", 0)
    server = HttpsServer(documents, Reviews(client, "n1"), shown)
    task = asyncio.create_task(server.run(listening, LOOK_S))
    yield Endpoint(f"https://127.0.0.1:{listening.getsockname()[1]}", cluster, shown)
    task.cancel()
    await asyncio.wait({task})


async def _token(admin: Client) -> str:
    account = ServiceAccount()
    account.metadata.name, account.metadata.namespace = "agent", "default"
    await admin.create(account)
    return (await admin.request_token("default", "agent", TokenRequestSpec())).token


async def test_nobody_is_answered_who_shows_nothing_or_what_is_nobodys(endpoint: Endpoint) -> None:
    for path in ("/metrics", "/healthz", "/", "/exec/default/a/web"):
        assert await endpoint.ask(path) == (401, "Unauthorized")
    assert await endpoint.ask("/metrics", token="made-up") == (401, "Unauthorized")


async def test_an_administrator_reads_all_there_is(endpoint: Endpoint) -> None:
    for path in ("/metrics", "/metrics/resource", "/metrics/cadvisor", "/stats/summary", "/pods", "/configz"):
        status, text = await endpoint.ask(path, user="kubernetes-admin")
        assert (status, bool(text)) == (200, True), path
    assert await endpoint.ask("/healthz", user="kubernetes-admin") == (200, "ok")
    assert await endpoint.ask("/healthz", user="kubernetes-admin", method="HEAD") == (200, "")
    assert await endpoint.ask("/nothing", user="kubernetes-admin") == (404, "404 page not found\n")
    assert (await endpoint.ask("/pods", user="kubernetes-admin", method="POST"))[0] == 405


async def test_an_agent_reads_what_its_role_says(endpoint: Endpoint, admin: Client) -> None:
    agent = "system:serviceaccount:default:agent"
    token = await _token(admin)
    told = f"Forbidden (user={agent}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
    await rbac.grant(admin, agent, "get", "nodes/metrics nodes/stats")
    assert (await endpoint.ask("/stats/summary", token=token))[0] == 200
    assert (await endpoint.ask("/metrics/resource", token=token))[0] == 200
    assert await endpoint.ask("/pods", token=token) == (403, told)
    assert (await endpoint.ask("/metrics", token=token, method="POST"))[0] == 403


async def test_a_user_s_certificate_says_who_he_is(endpoint: Endpoint) -> None:
    told = "Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[metrics])\n"
    assert await endpoint.ask("/metrics", user="jane") == (403, told)


async def test_nobody_is_let_in_while_the_api_server_is_away(endpoint: Endpoint, cluster: Cluster) -> None:
    await cluster.stop()
    assert (await endpoint.ask("/metrics", token="good"))[0] == 401
    status, text = await endpoint.ask("/metrics", user="jane")
    assert (status, text) == (
        500,
        "Authorization error (user=jane, verb=get, resource=nodes, subresource(s)=[metrics])",
    )
    await cluster.start()


async def test_a_renewed_certificate_is_shown_to_new_connections(endpoint: Endpoint, cluster: Cluster) -> None:
    def serial() -> str:
        host, port = endpoint.url.removeprefix("https://").split(":")
        return ssl.get_server_certificate((host, int(port)), timeout=5)

    before = await asyncio.to_thread(serial)
    issued = cluster.authority.tls("system:node:n1", "system:nodes", "more")
    for source, target in ((issued.key, endpoint.shown.key), (issued.cert, endpoint.shown.cert)):
        shutil.copy(source, target)
    async with asyncio.timeout(10):
        while await asyncio.to_thread(serial) == before:  # noqa: ASYNC110 # it tells nobody
            await asyncio.sleep(LOOK_S)
    assert await endpoint.ask("/healthz", user="kubernetes-admin") == (200, "ok")
