"""`podlab cordon`, `uncordon` and `drain`: a node that gets no more pods, and one that is emptied."""

import asyncio
from typing import Annotated

import typer

from podlab.api import kinds
from podlab.cli import completion, failures, session
from podlab.cli.nodes.evictable import Allowed, leaving
from podlab.cli.objects import printing
from podlab.cli.objects.deletion_wait import Doomed, until_gone
from podlab.cli.objects.retry import rewrite
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Conflict, NotFound, TooManyRequests

# Between two tries of what a disruption budget does not allow yet.
_RETRY_S = 5.0

NodeName = Annotated[str, typer.Argument(help="The node.", autocompletion=completion.nodes)]


def cordon(node: NodeName) -> None:
    """Let no more pods come to a node."""
    session.run(lambda client: _mark(client, node, unschedulable=True), field_manager="podlab-cordon")


def uncordon(node: NodeName) -> None:
    """Let pods come to a node again."""
    session.run(lambda client: _mark(client, node, unschedulable=False), field_manager="podlab-cordon")


def drain(
    node: NodeName,
    ignore_daemonsets: Annotated[
        bool, typer.Option("--ignore-daemonsets", help="Leave pods of DaemonSets where they are.")
    ] = False,
    delete_emptydir_data: Annotated[
        bool, typer.Option("--delete-emptydir-data", help="Also pods with emptyDir volumes, whose data is lost.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also pods that nobody replaces.")] = False,
    grace_period: Annotated[
        int, typer.Option("--grace-period", help="Seconds a pod has to end; -1: as the pod says.", min=-1)
    ] = -1,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds; 0 is never.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, or what stands in the way.")] = False,
) -> None:
    """Empty a node: no more pods come, and those that are there are evicted. Disruption budgets are kept.

    \b
    podlab drain n1 --ignore-daemonsets --timeout 300
    podlab uncordon n1
    """
    allowed = Allowed(ignore_daemonsets, delete_emptydir_data, force)
    grace_period_s = grace_period if grace_period >= 0 else None
    if dry_run:
        session.run(lambda client: _foretell(client, node, allowed))
        return
    session.run(lambda client: _drain(client, node, allowed, grace_period_s, timeout), field_manager="podlab-drain")


async def _mark(client: Client, name: str, *, unschedulable: bool) -> None:
    def marked(live: Node) -> Node | None:
        if live.spec.unschedulable == unschedulable:
            return None
        live.spec.unschedulable = unschedulable
        return live

    changed = await rewrite(client, Node, name, "", marked)
    typer.echo(f"node/{name} {'' if changed else 'already '}{'cordoned' if unschedulable else 'uncordoned'}")


async def _drain(client: Client, node: str, allowed: Allowed, grace_period_s: int | None, timeout_s: float) -> None:
    await _mark(client, node, unschedulable=True)
    going = await _going(client, node, allowed)
    left = {f"{pod.metadata.namespace}/{pod.metadata.name}": "" for pod in going}
    try:
        async with asyncio.timeout(timeout_s or None):
            await asyncio.gather(*(_evict(client, pod, grace_period_s, left) for pod in going))
    except TimeoutError as error:
        await asyncio.gather(*(_explain(client, pod, left) for pod in going))
        named = ", ".join(f"{pod} ({why})" if why else pod for pod, why in left.items())
        told = f'node "{node}" is not drained after {timeout_s:g} s: still there: {named}'
        raise failures.CommandError(told) from error
    typer.echo(f"node/{node} drained")


async def _foretell(client: Client, node: str, allowed: Allowed) -> None:
    await client.get(Node, node)
    for pod in await _going(client, node, allowed):
        typer.echo(f"pod/{pod.metadata.name} evicted (dry run)")
    typer.echo(f"node/{node} drained (dry run)")


async def _going(client: Client, node: str, allowed: Allowed) -> list[Pod]:
    """Those that a drain evicts. Raises CommandError when others stand in the way."""
    found = leaving((await client.list(Pod, field_selector=f"spec.nodeName={node}")).items, allowed)
    if found.refusals:
        raise failures.CommandError(f'unable to drain node "{node}": {"; ".join(found.refusals)}')
    for warning in found.warnings:
        printing.warn(f"Warning: {warning}")
    return found.pods


async def _evict(client: Client, pod: Pod, grace_period_s: int | None, left: dict[str, str]) -> None:
    """Returns when the pod is gone; it is then no more among those that are left, each with why it still is."""
    name, namespace, uid = pod.metadata.name, pod.metadata.namespace, pod.metadata.uid
    grace_s = pod.spec.terminationGracePeriodSeconds if grace_period_s is None else grace_period_s
    printing.warn(f"evicting pod {namespace}/{name}")
    while True:
        try:
            gone = await client.evict(name, namespace, uid=uid, grace_period_s=grace_period_s)
            left[f"{namespace}/{name}"] = f"it was asked to end, and has {grace_s} s for that"
            break
        except TooManyRequests as error:
            left[f"{namespace}/{name}"] = error.message
            again = f"(will retry after {_RETRY_S:g}s)"
            printing.warn(f'error when evicting pods/"{name}" -n "{namespace}" {again}: {error.message}')
            await asyncio.sleep(_RETRY_S)
        except (NotFound, Conflict):  # gone, or another has its name
            gone = True
            break
    if not gone:
        await until_gone(client, Doomed(kinds.of(Pod), name, namespace, uid))
    del left[f"{namespace}/{name}"]
    typer.echo(f"pod/{name} evicted")


async def _explain(client: Client, pod: Pod, left: dict[str, str]) -> None:
    """Find out why the pod is left, where the time was up before the API server had answered."""
    name, namespace, uid = pod.metadata.name, pod.metadata.namespace, pod.metadata.uid
    if left.get(f"{namespace}/{name}") != "":
        return
    try:
        live = await client.get(Pod, name, namespace)
        if live.metadata.uid != uid:
            del left[f"{namespace}/{name}"]
        elif live.metadata.HasField("deletionTimestamp"):
            grace_s = live.metadata.deletionGracePeriodSeconds
            left[f"{namespace}/{name}"] = f"it was asked to end, and has {grace_s} s for that"
        else:
            await client.evict(name, namespace, uid=uid, dry_run=True)
            left[f"{namespace}/{name}"] = "there was no time to evict it"
    except TooManyRequests as error:
        left[f"{namespace}/{name}"] = error.message
    except (NotFound, Conflict):
        del left[f"{namespace}/{name}"]
