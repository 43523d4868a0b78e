"""`podlab api-resources`, `version`, `cluster-info` and `info`: what there is, and whom one talks to."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from podlab import __version__
from podlab.api.objects import is_true
from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.api.values import times
from podlab.cli import discovery, session
from podlab.cli.objects import printing
from podlab.cli.options import Output
from podlab.client.client import Client
from podlab.client.leaderelection.decide import ADDRESS, BACKED_UP, NAMESPACE, VERSION
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.errors import NotFound

SERVERS = "apiserver.kubernetes.io/identity=kube-apiserver"
"""Selects the Leases of API servers."""


def api_resources(
    output: Annotated[Output | None, typer.Option("--output", "-o", help="name: only the names.")] = None,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the table's first line.")] = False,
) -> None:
    """List the kinds of objects."""
    kinds = sorted(discovery.served().stored, key=lambda kind: (kind.group, kind.plural))
    if output is Output.NAME:
        typer.echo("\n".join(kind.resource for kind in kinds))
        return
    headers = [] if no_headers else [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    rows = [
        [kind.plural, ",".join(kind.short_names), kind.api_version, str(kind.namespaced).lower(), kind.name]
        for kind in kinds
    ]
    typer.echo("\n".join(printing.aligned([*headers, *rows])))


def version(
    client_only: Annotated[bool, typer.Option("--client", help="Do not ask the server.")] = False,
) -> None:
    """Show the versions of this command and of the server."""
    typer.echo(f"Client Version: v{__version__}")
    if not client_only:
        answer = session.run(lambda client: client.version())
        typer.echo(f"Server Version: {answer.git_version} (Python {answer.python_version}, {answer.platform})")


def cluster_info() -> None:
    """Show where the cluster is, who we are to it, and how its nodes are."""
    for line in session.run(_cluster_info):
        typer.echo(line)


async def _cluster_info(client: Client) -> list[str]:
    answer = await client.version()
    nodes = (await client.list(Node)).items
    ready = [node for node in nodes if is_true(node.status.conditions, "Ready")]
    groups = f" (groups {', '.join(answer.user_groups)})" if answer.user_groups else ""
    return [
        f"Cluster {answer.cluster_name}: the control plane runs at {client.server} (gRPC, mTLS), {answer.git_version}",
        f"Inside the cluster it is {await _service_address(client)}",
        f"You are {answer.user_name}{groups}",
        f"Nodes: {len(ready)} of {len(nodes)} ready",
    ]


def info() -> None:
    """Show which release each API server and each node runs, and when the store was last backed up."""
    for line in session.run(_info):
        typer.echo(line)


async def _info(client: Client) -> list[str]:
    leases = (await client.list(Lease, namespace=NAMESPACE, label_selector=SERVERS)).items
    nodes = (await client.list(Node)).items
    return [
        f"Cluster {(await client.version()).cluster_name}",
        *releases(leases, nodes),
        *backups(leases, datetime.now(UTC)),
    ]


def releases(servers: Iterable[Lease], nodes: Iterable[Node]) -> list[str]:
    """A line for each API server, by its Lease, and each node, by what its kubelet has written."""
    rows = [("HOST", "RUNS", "RELEASE", "STATE")]
    for metadata in sorted((lease.metadata for lease in servers), key=lambda own: own.annotations[ADDRESS]):
        host, release = metadata.labels[HOSTNAME_LABEL], metadata.annotations[VERSION]
        rows.append((host, "apiserver", release or "not told", "Lease kept"))
    for node in sorted(nodes, key=lambda node: node.metadata.name):
        state = "Ready" if is_true(node.status.conditions, "Ready") else "NotReady"
        rows.append((node.metadata.name, "kubelet", node.status.nodeInfo.kubeletVersion, state))
    return printing.aligned(rows)


def backups(servers: Iterable[Lease], now: datetime) -> list[str]:
    """A line for each API server's host: how old the last backup of the store there is."""
    lines = []
    for metadata in sorted((lease.metadata for lease in servers), key=lambda own: own.annotations[ADDRESS]):
        host, backed_up = metadata.labels[HOSTNAME_LABEL], metadata.annotations[BACKED_UP]
        if backed_up:
            age = times.duration((now - datetime.fromisoformat(backed_up)).total_seconds())
            lines.append(f"Store backed up on {host} {age} ago")
        else:
            lines.append(f"Store not backed up on {host} yet: systemctl status podlab-backup.timer podlab-backup")
    return lines


async def _service_address(client: Client) -> str:
    try:
        service = await client.get(Service, "kubernetes", "default")
    except NotFound:
        return "not known: the Service default/kubernetes is missing"
    return f"{service.spec.clusterIP}:{service.spec.ports[0].port} (Service default/kubernetes)"
