"""`podlab rollout`: how a Deployment's change goes on, and the way back."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from podlab.api import codec, manifest, selectors, times
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli import completion, failures, printing, session, targets
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace
from podlab.cli.revisions import RESTARTED_AT, Progress, Revision, history, progress, rolled_back
from podlab.cli.rewrite import rewrite
from podlab.client.client import Client
from podlab.errors import Expired, NotFound

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Follow, list, take back or repeat a Deployment's rollout."
)

Words = Annotated[
    list[str], typer.Argument(help="deployment NAME or deployment/NAME.", autocompletion=completion.deployments)
]


@app.command()
def status(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", "-w", help="Wait until it is done.")] = True,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds; 0 is never.", min=0)] = 0,
) -> None:
    """Show how the rollout goes on, until it is done."""
    name = _deployment(resource)
    found = session.run(lambda client: _bounded_follow(client, name, namespace, watch=watch, timeout_s=timeout))
    if found.failed:
        raise failures.CommandError(found.text)


@app.command("history")
def show_history(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    revision: Annotated[int, typer.Option(help="Show this revision's pod template.", min=0)] = 0,
) -> None:
    """List the revisions that the Deployment can go back to."""
    name = _deployment(resource)
    _, revisions = session.run(lambda client: _revisions(client, name, namespace))
    if revision:
        chosen = next((one for one in revisions if one.number == revision), None)
        if chosen is None:
            raise failures.CommandError(f"unable to find the specified revision {revision}")
        typer.echo(f"deployment.apps/{name} with revision #{revision}")
        typer.echo(manifest.write([{"template": codec.part_to_dict(chosen.template)}]), nl=False)
        return
    rows = [["REVISION", "CHANGE-CAUSE"], *([str(one.number), one.change_cause or "<none>"] for one in revisions)]
    typer.echo("\n".join([f"deployment.apps/{name}", *printing.aligned(rows)]))


@app.command()
def undo(
    resource: Words,
    namespace: Namespace = DEFAULT_NAMESPACE,
    to_revision: Annotated[int, typer.Option(help="The revision to go back to; 0 is the one before.", min=0)] = 0,
) -> None:
    """Go back to an earlier revision."""
    name = _deployment(resource)
    changed = session.run(lambda client: _undo(client, name, namespace, to_revision))
    told = "rolled back" if changed else f"skipped rollback (current template already matches revision {to_revision})"
    typer.echo(f"deployment.apps/{name} {told}")


@app.command()
def restart(resource: Words, namespace: Namespace = DEFAULT_NAMESPACE) -> None:
    """Replace all pods by new ones, as for any change."""
    name = _deployment(resource)
    session.run(lambda client: rewrite(client, Deployment, name, namespace, _restarted))
    typer.echo(f"deployment.apps/{name} restarted")


def _deployment(words: Sequence[str]) -> str:
    target = targets.one(words, "rollout")
    if target.kind.message is not Deployment:
        raise failures.CommandError(f"a {target.kind.name} has no rollout: deployments have")
    return target.name


def _restarted(live: Deployment) -> Deployment:
    stamp = times.text(times.from_datetime(datetime.now(UTC)))
    live.spec.template.metadata.annotations[RESTARTED_AT] = stamp
    return live


async def _undo(client: Client, name: str, namespace: str, number: int) -> Deployment | None:
    _, revisions = await _revisions(client, name, namespace)
    return await rewrite(client, Deployment, name, namespace, lambda live: rolled_back(live, revisions, number))


async def _revisions(client: Client, name: str, namespace: str) -> tuple[Deployment, list[Revision]]:
    deployment = await client.get(Deployment, name, namespace)
    selector = str(selectors.from_message(deployment.spec.selector))
    listed = await client.list(ReplicaSet, namespace, label_selector=selector)
    return deployment, history(deployment, listed.items)


async def _bounded_follow(client: Client, name: str, namespace: str, *, watch: bool, timeout_s: float) -> Progress:
    try:
        async with asyncio.timeout(timeout_s or None):
            return await _follow(client, name, namespace, watch=watch)
    except TimeoutError as error:
        raise failures.CommandError(f'deployment "{name}" is not rolled out after {timeout_s:g} s') from error


async def _follow(client: Client, name: str, namespace: str, *, watch: bool) -> Progress:
    """Says each stage once; returns the last."""
    said = ""
    only_it = f"metadata.name={name}"
    while True:
        listed = await client.list(Deployment, namespace, field_selector=only_it)
        if not listed.items:
            raise NotFound.of("deployments.apps", name)
        found = progress(listed.items[0])
        said = _say(found, said)
        if found.done or found.failed or not watch:
            return found
        try:
            async for batch in client.watch(Deployment, listed.resource_version, namespace, field_selector=only_it):
                for event in batch:
                    if event.type == "DELETED":
                        raise failures.CommandError(f'deployment "{name}" was deleted')
                    if event.object is None:
                        continue
                    found = progress(event.object)
                    said = _say(found, said)
                    if found.done or found.failed:
                        return found
        except Expired:
            continue


def _say(found: Progress, said: str) -> str:
    if found.text != said and not found.failed:
        printing.write(found.text + "\n")
    return found.text
