"""Read, change, write: again when somebody else wrote in between."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client
from podlab.errors import Conflict

M = TypeVar("M", bound=Message)
_ATTEMPTS = 5


async def rewrite(
    client: Client, kind: type[M] | Kind, name: str, namespace: str, change: Callable[[M], M | None]
) -> M | None:
    """The object as stored; None when `change` returned None, for nothing to do. Raises NotFound, Invalid, Conflict."""
    version = kinds.known(kind).version if kinds.known(kind).message is Custom else ""
    for attempt in range(1, _ATTEMPTS + 1):
        changed = change(await client.get(kind, name, namespace, version=version))
        if changed is None:
            return None
        try:
            return await client.update(changed)
        except Conflict:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")
