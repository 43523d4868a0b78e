"""Webhooks that refuse everything do not keep the API server from starting."""

from __future__ import annotations

import aiohttp
from podlab_testing.cluster import Cluster
from podlab_testing.webhook_cases import configure
from podlab_testing.webhook_server import WebhookServer

EVERYTHING = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]
DENIED = {"deny": {"message": "nothing is written"}}


async def test_a_server_starts_whoever_refuses_its_writes(
    http: aiohttp.ClientSession, cluster: Cluster, server: WebhookServer
) -> None:
    await configure(http, server, [{"name": "no", "rules": EVERYTHING, "answer": DENIED}])
    await cluster.stop()
    await cluster.start()
    async with http.get("/api/v1/namespaces/default/services/kubernetes") as response:
        assert response.status == 200
    assert server.names() == []  # all was as it has to be
    assert cluster.parts is not None
    await cluster.parts.servers.ensure()  # its own Lease is renewed, or other servers would take it for gone
    assert server.names() == []


async def test_what_could_not_be_put_right_at_the_start_is_later(
    http: aiohttp.ClientSession, cluster: Cluster, server: WebhookServer
) -> None:
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
    async with http.delete(slices) as response:
        assert response.status == 200
    await configure(http, server, [{"name": "no", "rules": EVERYTHING, "answer": DENIED}])
    await cluster.stop()
    await cluster.start()
    async with http.get(slices) as response:
        assert response.status == 404
    server.answers["no"] = {}
    assert cluster.parts is not None
    for kept in cluster.parts.kept:
        await kept.ensure()
    async with http.get(slices) as response:
        assert response.status == 200
