"""What goes with its namespace, and what goes with its owner."""

from __future__ import annotations

import asyncio

from cluster import Cluster
from waiting import LIMIT_S, until
from writing import each

from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.meta.v1.meta_pb2 import ObjectMeta, OwnerReference
from podlab.v1 import apiserver_pb2

OBJECTS = 5000
OWNERS, DEPENDENTS = 1000, 2
LARGE = 2000


async def measure(cluster: Cluster) -> None:
    await _namespace(cluster)
    await _owners(cluster)
    await _foreground(cluster)


async def _namespace(cluster: Cluster) -> None:
    client, namespace = cluster.client, await cluster.namespace("full")
    await each([_map(f"c{number}", namespace) for number in range(OBJECTS)], client.create)
    revision = (await client.list(Namespace)).resource_version
    with cluster.measured(f"a namespace of {OBJECTS} objects, from its deletion until it is gone", OBJECTS, "object"):
        await client.delete(Namespace, namespace)
        async with asyncio.timeout(LIMIT_S):
            async for batch in client.watch(Namespace, revision, field_selector=f"metadata.name={namespace}"):
                if any(event.type == "DELETED" for event in batch):
                    break


async def _owners(cluster: Cluster) -> None:
    client, namespace, count = cluster.client, await cluster.namespace("owned"), OWNERS * DEPENDENTS

    async def make(number: int) -> None:
        owner = await client.create(_map(f"owner{number}", namespace))
        for dependent in range(DEPENDENTS):
            await client.create(_map(f"c{number}-{dependent}", namespace, owner))

    await each(range(OWNERS), make)
    with cluster.measured(f"{OWNERS} owners deleted, until their {count} dependents are gone", count, "dependent"):
        await each(range(OWNERS), lambda number: client.delete(ConfigMap, f"owner{number}", namespace))
        await until(client, ConfigMap, namespace, 0, _is_ours)


async def _foreground(cluster: Cluster) -> None:
    client, namespace = cluster.client, await cluster.namespace("foreground")
    owner = await client.create(_map("owner", namespace))
    await each([_map(f"c{number}", namespace, owner) for number in range(LARGE)], client.create)
    with cluster.measured(f"an owner of {LARGE} deleted in the foreground, until it is gone", LARGE, "dependent"):
        foreground = apiserver_pb2.PROPAGATION_POLICY_FOREGROUND
        await client.delete(ConfigMap, "owner", namespace, propagation=foreground)
        await until(client, ConfigMap, namespace, 0, _is_ours)


def _map(name: str, namespace: str, owner: ConfigMap | None = None) -> ConfigMap:
    made = ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace), data={"key": "value"})
    if owner is not None:
        made.metadata.ownerReferences.append(
            OwnerReference(
                apiVersion="v1",
                kind="ConfigMap",
                name=owner.metadata.name,
                uid=owner.metadata.uid,
                blockOwnerDeletion=True,
            )
        )
    return made


def _is_ours(found: ConfigMap) -> bool:
    return found.metadata.name != "kube-root-ca.crt"
