"""`podlab apply`: brings the cluster's objects to what manifests say, and leaves alone what they do not say.

Everything is read, merged and tried out on the server before the first write, so that nothing is half-applied.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

import orjson
import typer
from google.protobuf.message import Message

from podlab.api.objects import metadata
from podlab.api.selection.labels import LAST_APPLIED
from podlab.api.serializer import codec
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.cli import discovery, failures, session
from podlab.cli.objects import manifests, newkinds, printing, serverside
from podlab.cli.objects.manifests import Source
from podlab.cli.objects.serverside import Applied, ApplyOne
from podlab.cli.options import DEFAULT_NAMESPACE, DryRun, DryRunOption, Files, Namespace, Output, OutputFormat
from podlab.client.client import Client
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound
from podlab.shapes.messages import shape_of
from podlab.shapes.shape import Struct
from podlab.shapes.three_way import three_way

_ATTEMPTS = 5  # somebody else may write the object in between
_SERVERS_OWN = ("resourceVersion", "generation", "managedFields", "selfLink")

M = TypeVar("M", bound=Message)


def apply(
    filename: Files = None,
    namespace: Namespace = "",
    output: OutputFormat = None,
    dry_run: DryRunOption = DryRun.NONE,
    server_side: Annotated[
        bool, typer.Option("--server-side", help="Let the server merge, and know who manages what.")
    ] = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="With --server-side: take fields from others who manage them.")
    ] = False,
    field_manager: Annotated[str, typer.Option(help="Who is to manage the fields.", metavar="NAME")] = "",
) -> None:
    """Create or change what manifests describe.

    \b
    podlab apply -f examples/hello
    podlab apply --server-side -f examples/hello
    podlab get deployment web -o yaml | sed s/1.0/1.1/ | podlab apply -f -
    """
    if force_conflicts and not server_side:
        raise failures.CommandError("--force-conflicts needs --server-side")
    if not filename:
        raise failures.CommandError("say what to apply: -f FILE, -f DIRECTORY or -f -")
    read = manifests.read(filename, namespace or DEFAULT_NAMESPACE, explicit=bool(namespace), more=discovery.served)
    _check_names(read)
    if dry_run is DryRun.CLIENT:
        _report([Applied(source, "applied", source.message) for source in read], output, " (dry run)")
        return
    each = partial(serverside.apply, force=force_conflicts) if server_side else _apply
    tried, errors = session.run(
        lambda client: _apply_all(client, read, each, dry_run=dry_run is DryRun.SERVER),
        field_manager=field_manager or ("podlab" if server_side else "podlab-client-side-apply"),
    )
    _report(tried, output, " (server dry run)" if dry_run is DryRun.SERVER else "")
    for error in errors:
        printing.warn(failures.message(error))
    if errors:
        raise typer.Exit(1)


def _check_names(read: Sequence[Source]) -> None:
    """Raises CommandError for objects without a name."""
    nameless = [
        f"{source.file}: {source.kind.name}: metadata.name: Required value" for source in read if not source.name
    ]
    if nameless:
        raise failures.CommandError("\n       ".join(nameless))


def _report(applied: Sequence[Applied], output: OutputFormat, note: str) -> None:
    if output in (Output.YAML, Output.JSON, Output.NAME) and applied:
        objects = [one.object for one in applied]
        printing.write(printing.objects_text(objects, output, as_list=len(objects) > 1))
        return
    for one in applied:
        typer.echo(f"{one.source} {one.outcome}{note}")


async def _apply_all(
    client: Client, read: Sequence[Source], apply_one: ApplyOne, *, dry_run: bool
) -> tuple[list[Applied], list[ApiError]]:
    """Tries everything first; writes only when nothing was refused."""
    tried = await _each(client, read, apply_one, dry_run=True, new_namespaces=_new_namespaces(read))
    if dry_run or tried[1]:
        return ([], tried[1]) if tried[1] else tried
    return await _each(client, read, apply_one, dry_run=False, new_namespaces=frozenset())


async def _each(
    client: Client, read: Sequence[Source], apply_one: ApplyOne, *, dry_run: bool, new_namespaces: frozenset[str]
) -> tuple[list[Applied], list[ApiError]]:
    applied: list[Applied] = []
    errors: list[ApiError] = []
    for source in read:
        try:
            if not dry_run:
                await newkinds.established(client, source, read)
            applied.append(await apply_one(client, source, dry_run=dry_run, new_namespaces=new_namespaces))
        except NotFound as error:
            if dry_run and newkinds.defines(read, source):
                applied.append(Applied(source, "created", source.message))
            else:
                errors.append(_told(error, source))
        except ApiError as error:
            errors.append(_told(error, source))
    return applied, errors


def _told(error: ApiError, source: Source) -> ApiError:
    return failures.while_doing(error, f'error when applying "{source.file}", {source}')


def _new_namespaces(read: Sequence[Source]) -> frozenset[str]:
    return frozenset(source.name for source in read if source.kind.name == "Namespace")


async def _apply(client: Client, source: Source, *, dry_run: bool, new_namespaces: frozenset[str]) -> Applied:
    for attempt in range(1, _ATTEMPTS + 1):
        live = await _live(client, source)
        try:
            if live is None:
                made = await _create(client, with_last_applied(source), dry_run, new_namespaces)
                return Applied(source, "created", made)
            merged = merged_object(source, live)
            tried = await client.update(merged, dry_run=True)
            if same(tried, live):
                return Applied(source, "unchanged", live)
            stored = tried if dry_run else await client.update(merged)
            return Applied(source, "configured", stored)
        except (AlreadyExists, Conflict):
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _live(client: Client, source: Source) -> Message | None:
    try:
        return await client.get(
            source.kind,
            source.name,
            source.namespace,
            version=source.kind.version if source.kind.message is Custom else "",
        )
    except NotFound:
        return None


async def _create(client: Client, obj: M, dry_run: bool, new_namespaces: frozenset[str]) -> M:
    """Stores the object, or tries it. One whose namespace comes with the same manifests is tried in another."""
    namespace = metadata(obj).namespace
    try:
        return await client.create(obj, dry_run=dry_run)
    except NotFound:
        if not dry_run or namespace not in new_namespaces or namespace == DEFAULT_NAMESPACE:
            raise
    elsewhere = copy.deepcopy(obj)
    metadata(elsewhere).namespace = DEFAULT_NAMESPACE
    try:
        made = await client.create(elsewhere, dry_run=True)
    except AlreadyExists:
        return obj
    metadata(made).namespace = namespace
    return made


# ---- what is decided without the server


def with_last_applied(source: Source) -> Message:
    """The object as the user wrote it, with that text kept in its annotation."""
    obj = copy.deepcopy(source.message)
    metadata(obj).annotations[LAST_APPLIED] = _configuration(source.data)
    return obj


def merged_object(source: Source, live: Message) -> Message:
    """What is to be stored where `live` is now. Carries its revision, so that a change in between is a Conflict."""
    kept = metadata(live).annotations.get(LAST_APPLIED, "{}")
    try:
        last = orjson.loads(kept)
    except orjson.JSONDecodeError:
        last = {}  # somebody wrote the annotation by hand: as if it had never been applied
    configuration = _configuration(source.data)
    wanted = copy.deepcopy(source.data)
    wanted["metadata"].setdefault("annotations", {})
    wanted["metadata"]["annotations"] = {
        **(wanted["metadata"]["annotations"] or {}),
        LAST_APPLIED: configuration,
    }
    for name in _SERVERS_OWN:
        wanted["metadata"].pop(name, None)
    wanted["metadata"]["resourceVersion"] = metadata(live).resourceVersion
    merged = three_way(last if isinstance(last, dict) else {}, wanted, codec.to_dict(live), _shape(live))
    return codec.from_dict(merged, source.kind)


def _shape(live: Message) -> Struct | None:
    """None for custom objects: as with kubectl their lists are values, which are not merged."""
    return None if isinstance(live, Custom) else shape_of(live)


def same(tried: Message, live: Message) -> bool:
    """True when an update would change nothing but the server's own counters."""
    return _without_counters(tried) == _without_counters(live)


def _without_counters(obj: Message) -> dict[str, object]:
    """As JSON, where an empty part that is present and one that is absent are the same."""
    own = codec.part_to_dict(metadata(obj))
    return {**codec.to_dict(obj), "metadata": {**own, "resourceVersion": "", "generation": 0}}


def _configuration(data: dict[str, Any]) -> str:
    """The manifest as the annotation holds it: compact, sorted, and without that annotation itself."""
    kept = {name: value for name, value in data["metadata"].items() if name not in _SERVERS_OWN}
    annotations = {name: value for name, value in (kept.get("annotations") or {}).items() if name != LAST_APPLIED}
    kept["annotations"] = annotations
    return orjson.dumps({**data, "metadata": kept}, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
