"""Controllers go on while the webhook that converts a kind's objects fails or does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from podlab_testing import conversion_webhook as webhook
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.conversion_webhook import GROUP, PLACE, ConversionServer, answer, server
from podlab_testing.custom_kinds import DEFINITIONS, Rest
from podlab_testing.http_clients import tls_of
from podlab_testing.pod_servers import PodServers, ServerAuthority

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind, Kind
from podlab.apiextensions.v1.custom_pb2 import Custom

V1 = PLACE.format(version="v1")
CONFIG_MAPS = "/api/v1/namespaces/{namespace}/configmaps"
SERVER = Kind(GROUP, "v2", "Server", "servers", Custom)


@pytest.fixture
async def rest(cluster: Cluster) -> AsyncIterator[Rest]:
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, ADMIN))
    address = f"https://127.0.0.1:{cluster.settings.rest_port}"
    async with aiohttp.ClientSession(address, connector=connector) as session:
        yield Rest(session)


@pytest.fixture
async def converter(rest: Rest, pods: PodServers, servers: ServerAuthority) -> ConversionServer:
    """What converts Servers; v2 is their storage version, and some are stored in v1."""
    made = ConversionServer()
    await pods.serve("converter", made, tls=servers.server("converter.default.svc"))
    await rest.define(webhook.definition(webhook.service_client("converter", servers.bundle)))
    await rest("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}}, code=201)
    for place in (V1, V1.replace("/default/", "/team/")):
        await rest("POST", place, server("old"), code=201)
    found = await rest("GET", f"{DEFINITIONS}/servers.{GROUP}")
    for one in found["spec"]["versions"]:
        one["storage"] = one["name"] == "v2"
    await rest("PUT", f"{DEFINITIONS}/servers.{GROUP}", found)
    return made


def hang(converter: ConversionServer) -> None:
    converter.answers.clear()


def fail(converter: ConversionServer) -> None:
    converter.reply = lambda review: answer(review, [], status="Failure", message="no way")


@pytest.mark.parametrize("break_down", [hang, fail])
async def test_what_controllers_do_needs_no_conversion(
    rest: Rest,
    converter: ConversionServer,
    seen: ClusterView,
    controllers: ControllersSettings,
    break_down: Callable[[ConversionServer], None],
) -> None:
    await seen.until(lambda: SERVER.group_kind in seen.informers.by_kind, "the kind")
    break_down(converter)
    asked = len(converter.asked)
    owner = await rest("GET", f"{V1}/old")
    reference = {"apiVersion": f"{GROUP}/v2", "kind": "Server", "name": "old", "uid": owner["metadata"]["uid"]}
    owned = {"metadata": {"name": "owned", "ownerReferences": [reference]}}
    await rest("POST", CONFIG_MAPS.format(namespace="default"), owned, code=201)
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {f"count/servers.{GROUP}": "1"}}}
    await rest("POST", "/api/v1/namespaces/default/resourcequotas", quota, code=201)
    await seen.until(lambda: used(seen) == "1", "what is used")
    await rest("DELETE", "/api/v1/namespaces/team", code=200)
    await rest.gone("/api/v1/namespaces/team")
    await seen.client.delete(SERVER, "old", "default")
    await rest.gone(f"{CONFIG_MAPS.format(namespace='default')}/owned")
    await seen.until(lambda: used(seen) == "0", "that nothing is used")
    assert len(converter.asked) == asked


def used(seen: ClusterView) -> str:
    """What the quota counts."""
    quota = seen.informers.by_kind[GroupKind("", "ResourceQuota")].get("q", "default")
    return quota.status.used[f"count/servers.{GROUP}"].string if quota is not None else ""
