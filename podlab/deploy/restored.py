"""Whether a cluster that was restored has what its archive had, as its API server says.

A program of its own, because it speaks gRPC: with the cluster's directory, the archive, and the inventory's nodes with
commas between.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from podlab.client.client import Client
from podlab.client.config import load_client_config_of
from podlab.core.v1.node_pb2 import Node
from podlab.deploy import cluster_archive
from podlab.deploy.cluster_archive import ArchiveError
from podlab.errors import ApiError
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.served import ServedDefinitions
from podlab.settings import SettingsError

_WITHIN_S = 30.0
# What controllers, kubelets and time take away and make by themselves as soon as the cluster runs again.
CHANGING = frozenset(
    {
        "certificatesigningrequests.certificates.k8s.io",
        "controllerrevisions.apps",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "jobs.batch",
        "leases.coordination.k8s.io",
        "pods",
        "replicasets.apps",
    }
)


def missing(wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Of which resources there are fewer than the archive has, those aside that change by themselves."""
    return [
        f"{resource}: the archive has {count}, the cluster {found.get(resource, 0)}"
        for resource, count in sorted(wanted.items())
        if resource not in CHANGING and found.get(resource, 0) < count
    ]


async def counted(client: Client, resources: Mapping[str, int]) -> dict[str, int]:
    """How many objects the cluster has of each of these resources. Raises ApiError."""
    kinds = CurrentCatalog(builtin.catalog())
    ServedDefinitions(kinds).take([(one.metadata.name, one) for one in await client.discover()])
    stored = {kind.resource: kind for kind in kinds.catalog.stored}
    return {name: len((await client.list(stored[name])).items) for name in resources if name in stored}


async def _ask(directory: Path, resources: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    config = load_client_config_of(directory)
    async with Client(config.server, config.tls, user_agent="podlab-restore") as client:
        await client.connected(_WITHIN_S)
        return await counted(client, resources), [one.metadata.name for one in (await client.list(Node)).items]


def main(directory: Path, archive: Path, nodes: list[str]) -> int:
    """Exit code 1 when something is missing."""
    try:
        wanted = cluster_archive.read(archive).objects
        found, known = asyncio.run(_ask(directory, wanted))
    except (ApiError, ArchiveError, OSError, SettingsError) as error:
        print(f"what the cluster has cannot be told: {error}")
        return 1
    if lacking := missing(wanted, found):
        print("\n".join(lacking))
        return 1
    kept = sum(count for resource, count in wanted.items() if resource not in CHANGING)
    print(f"all {kept} objects that do not change by themselves are there, of {sum(wanted.values())} in the archive")
    for name in sorted(set(known) - set(nodes)):
        print(
            f"node {name} is not in the inventory: its pods go elsewhere once it is deleted (podlab delete node {name})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")))
