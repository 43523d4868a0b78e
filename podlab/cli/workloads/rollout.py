"""`podlab rollout`: how a workload's change goes on, and the way back."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from podlab.api.selection import selectors
from podlab.api.serializer import codec, manifest
from podlab.api.values import times
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli import completion, failures, session
from podlab.cli.objects import printing, targets
from podlab.cli.objects.retry import rewrite
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace
from podlab.cli.workloads.revisions import Revision, history, paused, restarted, rolled_back
from podlab.cli.workloads.rollout_status import Progress, progress
from podlab.client.client import Client
from podlab.errors import Expired, NotFound

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Follow, list, take back, pause or repeat a workload's rollout.",
)
_WORKLOADS = (Deployment, DaemonSet, StatefulSet)

Words = Annotated[
    list[str],
    typer.Argument(
        help="KIND NAME or KIND/NAME of a deployment, daemonset or statefulset.", autocompletion=completion.rollouts
    ),
]
Change = Callable[[Any], Any]


@app.command()
def status(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", "-w", help="Wait until it is done.")] = True,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds; 0 is never.", min=0)] = 0,
) -> None:
    """Show how the rollout goes on, until it is done."""
    target = _one(resource)
    found = session.run(lambda client: _bounded_follow(client, target, namespace, watch=watch, timeout_s=timeout))
    if found.failed:
        raise failures.CommandError(found.text)


@app.command("history")
def show_history(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    revision: Annotated[int, typer.Option(help="Show this revision's pod template.", min=0)] = 0,
) -> None:
    """List the revisions that the workload can go back to."""
    target = _one(resource)
    revisions = session.run(lambda client: _revisions(client, target, namespace))
    if revision:
        chosen = next((one for one in revisions if one.number == revision), None)
        if chosen is None:
            raise failures.CommandError(f"unable to find the specified revision {revision}")
        typer.echo(f"{target} with revision #{revision}")
        typer.echo(manifest.write([{"template": codec.part_to_dict(chosen.template)}]), nl=False)
        return
    rows = [["REVISION", "CHANGE-CAUSE"], *([str(one.number), one.change_cause or "<none>"] for one in revisions)]
    typer.echo("\n".join([str(target), *printing.aligned(rows)]))


@app.command()
def undo(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    to_revision: Annotated[int, typer.Option(help="The revision to go back to; 0 is the one before.", min=0)] = 0,
) -> None:
    """Go back to an earlier revision."""
    target = _one(resource)
    changed = session.run(lambda client: _undo(client, target, namespace, to_revision), field_manager="podlab-rollout")
    told = "rolled back" if changed else f"skipped rollback (current template already matches revision {to_revision})"
    typer.echo(f"{target} {told}")


@app.command()
def pause(resource: Words, namespace: Namespace = DEFAULT_NAMESPACE) -> None:
    """Let a Deployment's changes gather, without replacing pods."""
    _change(_all(resource, only=Deployment, doing="pausing"), namespace, lambda live: paused(live, True), "paused")


@app.command()
def resume(resource: Words, namespace: Namespace = DEFAULT_NAMESPACE) -> None:
    """Let a paused Deployment go on."""
    _change(_all(resource, only=Deployment, doing="resuming"), namespace, lambda live: paused(live, False), "resumed")


@app.command()
def restart(resource: Words, namespace: Namespace = DEFAULT_NAMESPACE) -> None:
    """Replace all pods by new ones, as for any change."""
    stamp = times.text(times.from_datetime(datetime.now(UTC)))
    _change(_all(resource), namespace, lambda live: restarted(live, stamp), "restarted")


def _one(words: Sequence[str]) -> Target:
    return _checked(targets.one(words, "rollout"))


def _all(words: Sequence[str], *, only: type | None = None, doing: str = "") -> list[Target]:
    found = [_checked(target) for target in targets.parse(words)]
    for target in found:
        if not target.name:
            raise failures.CommandError(f"say which of the {target.kind.plural}: KIND NAME or KIND/NAME")
        if only is not None and target.kind.message is not only:
            raise failures.CommandError(f'{target.kind.resource} "{target.name}" {doing} is not supported')
    return found


def _checked(target: Target) -> Target:
    if target.kind.message not in _WORKLOADS:
        have = "deployments, daemonsets and statefulsets have"
        raise failures.CommandError(f"a {target.kind.name} has no rollout: {have}")
    return target


def _change(wanted: Sequence[Target], namespace: str, change: Change, told: str) -> None:
    async def change_all(client: Client) -> None:
        for target in wanted:
            await rewrite(client, target.kind.message, target.name, namespace, change)
            typer.echo(f"{target} {told}")

    session.run(change_all, field_manager="podlab-rollout")


async def _undo(client: Client, target: Target, namespace: str, number: int) -> object:
    revisions = await _revisions(client, target, namespace)
    change: Change = lambda live: rolled_back(live, revisions, number)  # noqa: E731
    return await rewrite(client, target.kind.message, target.name, namespace, change)


async def _revisions(client: Client, target: Target, namespace: str) -> list[Revision]:
    owner: Any = await client.get(target.kind.message, target.name, namespace)
    selector = str(selectors.from_message(owner.spec.selector))
    if isinstance(owner, Deployment):
        return history(owner.metadata, (await client.list(ReplicaSet, namespace, label_selector=selector)).items)
    records = await client.list(ControllerRevision, namespace, label_selector=selector)
    return history(owner.metadata, records.items)


async def _bounded_follow(client: Client, target: Target, namespace: str, *, watch: bool, timeout_s: float) -> Progress:
    try:
        async with asyncio.timeout(timeout_s or None):
            return await _follow(client, target, namespace, watch=watch)
    except TimeoutError as error:
        about = f'{target.kind.singular} "{target.name}"'
        raise failures.CommandError(f"{about} is not rolled out after {timeout_s:g} s") from error


async def _follow(client: Client, target: Target, namespace: str, *, watch: bool) -> Progress:
    """Says each stage once; returns the last."""
    said = ""
    kind, only_it = target.kind.message, f"metadata.name={target.name}"
    while True:
        listed: Any = await client.list(kind, namespace, field_selector=only_it)
        if not listed.items:
            raise NotFound.of(target.kind.resource, target.name)
        found = progress(listed.items[0])
        said = _say(found, said)
        if found.done or found.failed or not watch:
            return found
        try:
            async for batch in client.watch(kind, listed.resource_version, namespace, field_selector=only_it):
                for event in batch:
                    if event.type == "DELETED":
                        raise failures.CommandError(f'{target.kind.singular} "{target.name}" was deleted')
                    if event.object is None:
                        continue
                    found = progress(event.object)  # type: ignore[arg-type]  # of the kind that is watched
                    said = _say(found, said)
                    if found.done or found.failed:
                        return found
        except Expired:
            continue


def _say(found: Progress, said: str) -> str:
    if found.text != said and not found.failed:
        printing.write(found.text + "\n")
    return found.text
