"""`podlab get`: objects as tables, YAML, JSON or names, once or as they change."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.api import eventtimes
from podlab.api.kinds import Kind
from podlab.cli import discovery, failures, session
from podlab.cli.objects import printing, targets
from podlab.cli.objects.targets import Target
from podlab.cli.options import DEFAULT_NAMESPACE, AllNamespaces, Namespace, Output, OutputFormat, Resources, Selector
from podlab.client.client import Client, Listed, WatchEvent
from podlab.core.v1.event_pb2 import Event
from podlab.errors import ApiError, Expired, NotFound


@dataclass(frozen=True)
class Query:
    """What `get` was asked for, apart from the objects."""

    namespace: str
    all_namespaces: bool
    label_selector: str
    field_selector: str
    output: Output | None
    headers: bool
    labels: bool
    managed_fields: bool

    def namespace_of(self, kind: Kind) -> str:
        return "" if self.all_namespaces or not kind.namespaced else self.namespace

    def rows(self, kind: Kind, *, with_kind: bool = False) -> printing.Rows:
        return printing.Rows(
            kind,
            wide=self.output is Output.WIDE,
            with_namespace=self.all_namespaces,
            with_labels=self.labels,
            with_kind=with_kind,
        )


def get(
    resources: Resources = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    field_selector: Annotated[str, typer.Option(help="Only what has these fields: status.phase=Running")] = "",
    output: OutputFormat = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on and show changes as they come.")] = False,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the table's first line.")] = False,
    show_labels: Annotated[bool, typer.Option("--show-labels", help="Add a column with all labels.")] = False,
    show_managed_fields: Annotated[
        bool, typer.Option("--show-managed-fields", help="With -o yaml or json: who manages which fields, too.")
    ] = False,
) -> None:
    """Show objects.

    \b
    podlab get pods -o wide
    podlab get deployment web -o yaml
    podlab get pods,svc -A
    podlab get pods -l app=web -w
    """
    wanted = targets.parse(resources or (), discovery.served)
    headers = not no_headers
    query = Query(
        namespace, all_namespaces, selector, field_selector, output, headers, show_labels, show_managed_fields
    )
    if any(target.name for target in wanted) and (all_namespaces or selector or field_selector):
        raise failures.CommandError("a name cannot be given together with --all-namespaces or a selector")
    if watch:
        if show_managed_fields:
            raise failures.CommandError("--show-managed-fields cannot be given together with --watch")
        if len(wanted) != 1:
            raise failures.CommandError("--watch takes one kind, or one object")
        session.run(lambda client: _watch(client, wanted[0], query))
    elif not session.run(lambda client: _show(client, wanted, query)):
        raise typer.Exit(1)


async def _show(client: Client, wanted: Sequence[Target], query: Query) -> bool:
    """Prints what is found and says what is not; False when something named is missing."""
    found: list[tuple[Kind, Message]] = []
    errors: list[ApiError] = []
    for target in wanted:
        try:
            found.extend((target.kind, item) for item in _ordered(await _read(client, target, query)))
        except NotFound as error:
            errors.append(error)
    if query.output in (Output.YAML, Output.JSON, Output.NAME):
        single = len(wanted) == 1 and bool(wanted[0].name)
        if found or (not single and not errors and query.output is not Output.NAME):
            objects = [item for _, item in found]
            printing.write(printing.objects_text(objects, query.output, as_list=not single))
    elif found:
        printing.write("\n".join(_tables(found, query)) + "\n")
    elif not errors:
        _nothing(wanted, query)
    for missing in errors:
        printing.warn(failures.message(missing))
    return not errors


async def _read(client: Client, target: Target, query: Query) -> list[Message]:
    namespace = query.namespace_of(target.kind)
    if target.name:
        managed_fields = query.managed_fields
        return [
            await client.get(target.kind, target.name, namespace, version=target.version, managed_fields=managed_fields)
        ]
    return (await _list(client, target, query)).items


def _ordered(items: list[Message]) -> list[Message]:
    """Events as they happened, all else as the server has it: by namespace and name."""
    if items and isinstance(items[0], Event):
        return sorted(items, key=eventtimes.happened)
    return items


async def _list(client: Client, target: Target, query: Query) -> Listed[Message]:
    fields = f"metadata.name={target.name}" if target.name else query.field_selector
    return await client.list(
        target.kind,
        query.namespace_of(target.kind),
        label_selector=query.label_selector,
        field_selector=fields,
        version=target.version,
        managed_fields=query.managed_fields,
    )


def _tables(found: Sequence[tuple[Kind, Message]], query: Query) -> list[str]:
    """A table for each kind, with an empty line between."""
    listed = list(dict.fromkeys(kind for kind, _ in found))
    lines: list[str] = []
    for kind in listed:
        rows = query.rows(kind, with_kind=len(listed) > 1)
        lines += [""] if lines else []
        lines += rows.lines([item for of, item in found if of is kind], headers=query.headers)
    return lines


def _nothing(wanted: Sequence[Target], query: Query) -> None:
    namespaced = any(target.kind.namespaced for target in wanted) and not query.all_namespaces
    printing.warn(f"No resources found in {query.namespace} namespace." if namespaced else "No resources found")


async def _watch(client: Client, target: Target, query: Query) -> None:
    """Shows what is there and then every change, until it is interrupted."""
    if target.name:
        await client.get(target.kind, target.name, query.namespace_of(target.kind))
    rows = query.rows(target.kind)
    headers = query.headers
    while True:
        listed = await _list(client, target, query)
        _changed(listed.items, rows, query, headers=headers)
        headers = headers and not listed.items
        try:
            changes: AsyncIterator[Sequence[WatchEvent[Message]]] = client.watch(
                target.kind,
                listed.resource_version,
                query.namespace_of(target.kind),
                label_selector=query.label_selector,
                field_selector=f"metadata.name={target.name}" if target.name else query.field_selector,
                version=target.version,
            )
            async for batch in changes:
                changed = [event.object for event in batch if event.object is not None]
                _changed(changed, rows, query, headers=headers)
                headers = headers and not changed
        except Expired:
            # Too much happened at once: begin again with what is there now.
            await asyncio.sleep(0)


def _changed(objects: Sequence[Message], rows: printing.Rows, query: Query, *, headers: bool) -> None:
    if not objects:
        return
    if query.output in (Output.YAML, Output.JSON, Output.NAME):
        separator = "---\n" if query.output is Output.YAML else ""
        texts = (printing.objects_text([obj], query.output, as_list=False) for obj in objects)
        printing.write("".join(separator + text for text in texts))
        return
    printing.write("".join(f"{line}\n" for line in rows.lines(objects, headers=headers)))
