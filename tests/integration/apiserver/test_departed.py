"""A node that somebody deleted: what was signed for it before is believed no longer, what is signed since is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from podlab_testing.cluster import Cluster

from podlab import pki
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, service_pb2
from podlab.errors import Unauthorized
from podlab.tls import Tls

MakeNode = Callable[..., node_pb2.Node]


def certificates(cluster: Cluster) -> dict[str, Tls]:
    """What a host has that is the node `leaver`, made now."""
    directory = cluster.authority.directory / "departed"
    wanted = {
        "kubelet": ("system:node:leaver", "system:nodes"),
        "proxy": ("system:kube-proxy", "system:node-proxiers"),
        "dns": ("system:podlab-dns", "podlab:node-dns"),
        "ingress": ("system:podlab-ingress", "podlab:node-ingress"),
    }
    ca = pki.ensure_ca(cluster.authority.directory)
    for name, (user, group) in wanted.items():
        pki.forget_certificate(directory, name)
        pki.ensure_certificate(ca, directory, name, user, [group], ["leaver", "127.0.0.1", "localhost"])
    tls = cluster.authority.tls()
    return {name: Tls(tls.ca, directory / f"{name}.crt", directory / f"{name}.key") for name in wanted}


async def reads(cluster: Cluster, tls: Tls) -> list[str]:
    async with Client(cluster.server, tls) as client:
        return [each.metadata.name for each in (await client.list(service_pb2.Service, "default")).items]


async def test_its_certificates_are_refused_and_newer_ones_accepted(
    cluster: Cluster, admin: Client, node: MakeNode
) -> None:
    old = certificates(cluster)
    stays = await cluster.client("system:node:n1")
    await admin.create(node("leaver"))
    await admin.create(node("n1"))
    assert await reads(cluster, old["kubelet"]) == await reads(cluster, old["proxy"]) == ["kubernetes"]

    await admin.delete(node_pb2.Node, "leaver")
    gone = time.time()
    for tls in old.values():
        with pytest.raises(Unauthorized, match=r"node leaver was removed from the cluster on .* UTC") as refused:
            await reads(cluster, tls)
        assert (refused.value.kind, refused.value.name) == ("nodes", "leaver")
    assert (await stays.get(node_pb2.Node, "n1")).metadata.name == "n1"

    # It is no matter of the server's memory, nor of the Node's absence: a copy of the disk stays outside for good.
    await cluster.stop()
    await cluster.start()
    await asyncio.sleep(1.0 - (time.time() - int(gone)) % 1.0)  # certificates tell whole seconds
    new = certificates(cluster)
    kept = cluster.authority.directory / "departed"
    assert kept.is_dir()
    async with Client(cluster.server, new["kubelet"]) as again:
        await again.create(node("leaver"))
    assert await reads(cluster, new["proxy"]) == ["kubernetes"]


async def test_a_kubelet_that_registers_late_is_refused_as_well(
    cluster: Cluster, admin: Client, node: MakeNode
) -> None:
    """Its call may be under way while the node is deleted."""
    old = certificates(cluster)
    await admin.create(node("leaver"))
    async with Client(cluster.server, old["kubelet"]) as kubelet:
        await kubelet.get(node_pb2.Node, "leaver")
        await admin.delete(node_pb2.Node, "leaver")
        with pytest.raises(Unauthorized):
            await kubelet.create(node("leaver"))
