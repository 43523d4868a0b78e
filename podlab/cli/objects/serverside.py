"""`podlab apply --server-side`: the server merges what manifests say, and knows who manages which fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from podlab.cli.objects.manifests import Source
from podlab.client.client import Client
from podlab.errors import Conflict
from podlab.v1 import apiserver_pb2

_HINT = "others manage these fields: leave them out, or take them with --force-conflicts"


@dataclass(frozen=True)
class Applied:
    """`outcome` is created, configured, unchanged or serverside-applied."""

    source: Source
    outcome: str
    object: Message


class ApplyOne(Protocol):
    """Applies what one manifest says, or tries it. What comes in `new_namespaces` cannot be tried before they exist."""

    async def __call__(
        self, client: Client, source: Source, *, dry_run: bool, new_namespaces: frozenset[str]
    ) -> Applied: ...


async def apply(
    client: Client, source: Source, *, dry_run: bool, new_namespaces: frozenset[str], force: bool
) -> Applied:
    """Raises Conflict when others manage fields that it changes, unless they are taken by `force`."""
    if dry_run and source.namespace in new_namespaces:
        return Applied(source, "serverside-applied", source.message)
    metadata = {name: value for name, value in source.data["metadata"].items() if name != "managedFields"}
    if source.namespace:
        metadata["namespace"] = source.namespace
    try:
        stored: Message = await client.patch(
            source.kind,
            source.name,
            source.namespace,
            patch={**source.data, "metadata": metadata},
            patch_type=apiserver_pb2.PATCH_TYPE_APPLY,
            dry_run=dry_run,
            force=force,
        )
    except Conflict as error:
        if not any(cause.reason == "FieldManagerConflict" for cause in error.causes):
            raise
        raise Conflict(f"{error.message}\n{_HINT}", causes=error.causes) from error
    return Applied(source, "serverside-applied", stored)
