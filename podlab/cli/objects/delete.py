"""`podlab delete`: asks for objects' deletion, and waits until they are gone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.cli import discovery, failures, session
from podlab.cli.objects import manifests, printing, targets
from podlab.cli.objects.deletion_wait import Doomed, until_gone
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, AllNamespaces, Files, Namespace, Resources, Selector
from podlab.client.client import Client, Listed
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, NotFound
from podlab.v1 import apiserver_pb2

_MARGIN_S = 60.0  # for what stands between a pod's grace period and its removal


class Cascade(StrEnum):
    BACKGROUND = "background"
    FOREGROUND = "foreground"
    ORPHAN = "orphan"


_POLICIES = {
    Cascade.BACKGROUND: apiserver_pb2.PROPAGATION_POLICY_BACKGROUND,
    Cascade.FOREGROUND: apiserver_pb2.PROPAGATION_POLICY_FOREGROUND,
    Cascade.ORPHAN: apiserver_pb2.PROPAGATION_POLICY_ORPHAN,
}


@dataclass(frozen=True)
class How:
    """What is to be done with each of the objects."""

    grace_period_s: int | None
    force: bool
    wait: bool
    timeout_s: float
    cascade: Cascade
    ignore_missing: bool


def delete(
    resources: Resources = None,
    filename: Files = None,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    delete_all: Annotated[bool, typer.Option("--all", help="All objects of the kinds in the namespace.")] = False,
    grace_period: Annotated[
        int, typer.Option("--grace-period", help="Seconds a pod has to end; -1: as the pod says.", min=-1)
    ] = -1,
    force: Annotated[bool, typer.Option("--force", help="At once, without waiting for the node.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the objects are gone.")] = True,
    timeout: Annotated[
        float, typer.Option(help="Give up waiting after so many seconds; 0: the grace period and a minute.", min=0)
    ] = 0,
    cascade: Annotated[Cascade, typer.Option(help="What becomes of the objects that these own.")] = Cascade.BACKGROUND,
    ignore_not_found: Annotated[bool, typer.Option(help="What is gone already is no error.")] = False,
) -> None:
    """Delete objects, and wait until they are gone.

    \b
    podlab delete pod web-1
    podlab delete -f examples/hello
    podlab delete pods -l app=web
    """
    how = How(
        grace_period_s=_asked_grace_period_s(grace_period, force=force),
        force=force,
        wait=wait,
        timeout_s=timeout,
        cascade=cascade,
        ignore_missing=ignore_not_found,
    )
    if filename:
        wanted = _in_files(filename, resources or (), namespace)
    else:
        wanted = _named(resources or (), "" if all_namespaces else namespace or DEFAULT_NAMESPACE)
        _check_selection(wanted, by_selection=bool(selector or delete_all), all_namespaces=all_namespaces)
    if not session.run(lambda client: _delete_all(client, wanted, selector, how)):
        raise typer.Exit(1)


def _in_files(files: Sequence[str], words: Sequence[str], namespace: str) -> list[tuple[Target, str]]:
    if words:
        raise failures.CommandError("objects are named by -f or by words, not by both")
    read = manifests.read(files, namespace or DEFAULT_NAMESPACE, explicit=bool(namespace), more=discovery.served)
    read.sort(key=lambda source: isinstance(source.message, CustomResourceDefinition))  # its objects are gone with it
    return [(Target(source.kind, source.name), source.namespace) for source in read]


def _asked_grace_period_s(given: int, *, force: bool) -> int | None:
    """None: as the pod says. 0 means that nobody waits for the node: only --force says that, as with kubectl."""
    if force and given > 0:
        raise failures.CommandError("--force and a --grace-period other than 0 exclude each other")
    if force:
        printing.warn("Warning: Immediate deletion does not wait for confirmation that the running resource has ended.")
        return 0
    return None if given < 0 else max(given, 1)


def _check_selection(wanted: Sequence[tuple[Target, str]], *, by_selection: bool, all_namespaces: bool) -> None:
    """Raises CommandError for kinds of which nothing is selected, and for names with a selection."""
    if any(not target.name for target, _ in wanted) and not by_selection:
        raise failures.CommandError("say which: a name, a selector with -l, or --all")
    if any(target.name for target, _ in wanted) and (by_selection or all_namespaces):
        raise failures.CommandError("a name goes with none of --all, --selector and --all-namespaces")


def _named(words: Sequence[str], namespace: str) -> list[tuple[Target, str]]:
    return [(target, namespace if target.kind.namespaced else "") for target in targets.parse(words, discovery.served)]


async def _delete_all(client: Client, wanted: Sequence[tuple[Target, str]], selector: str, how: How) -> bool:
    """False when one of them could not be deleted, or is still there."""
    doomed: list[Doomed] = []
    failed = False
    found_any = False
    for target, namespace in wanted:
        names = [(target.name, namespace)] if target.name else await _matching(client, target, namespace, selector)
        for name, inside in names:
            found_any = True
            try:
                doomed += await _delete(client, target.kind, name, inside, how)
            except ApiError as error:
                if not (isinstance(error, NotFound) and how.ignore_missing):
                    failed = True
                    printing.warn(failures.message(error))
    if not found_any:
        printing.warn("No resources found")
    if how.wait and doomed:
        outcomes = await asyncio.gather(*(_wait(client, one, how) for one in doomed))
        failed = failed or not all(outcomes)
    return not failed


async def _matching(client: Client, target: Target, namespace: str, selector: str) -> list[tuple[str, str]]:
    listed: Listed[Message] = await client.list(target.kind, namespace, label_selector=selector)
    return [(metadata(item).name, metadata(item).namespace) for item in listed.items]


async def _delete(client: Client, kind: Kind, name: str, namespace: str, how: How) -> list[Doomed]:
    """The object as something to wait for; nothing when it went at once."""
    live: Message = await client.get(kind, name, namespace)
    uid = metadata(live).uid
    gone = await client.delete(
        kind,
        name,
        namespace,
        grace_period_s=how.grace_period_s,
        uid=uid,
        propagation=_POLICIES[how.cascade],
    )
    typer.echo(f'{targets.reference(kind)} "{name}" {"force " if how.force else ""}deleted')
    return [] if gone else [Doomed(kind, name, namespace, uid, _grace_period_s(live, how))]


def _grace_period_s(live: Message, how: How) -> int:
    if how.grace_period_s is not None:
        return how.grace_period_s
    return live.spec.terminationGracePeriodSeconds if isinstance(live, Pod) else 0


async def _wait(client: Client, doomed: Doomed, how: How) -> bool:
    """Until the object is gone, or another has its name. False, and says why, when it takes too long."""
    bound_s = how.timeout_s or doomed.grace_period_s + _MARGIN_S
    try:
        async with asyncio.timeout(bound_s):
            await until_gone(client, doomed)
    except TimeoutError:
        printing.warn(f"error: {doomed} is still there after {bound_s:g} s: {await _what_holds(client, doomed)}")
        return False
    return True


async def _what_holds(client: Client, doomed: Doomed) -> str:
    try:
        live: Message = await client.get(doomed.kind, doomed.name, doomed.namespace)
    except NotFound:
        return "it has just gone"
    finalizers = list(metadata(live).finalizers)
    if finalizers:
        return f"finalizers hold it: {', '.join(finalizers)}"
    node = live.spec.nodeName if isinstance(live, Pod) else ""
    return f"its node {node} has not confirmed that it ended (--force does not ask)" if node else "the server holds it"
