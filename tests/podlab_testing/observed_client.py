"""A client that notes which control loop writes which fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from podlab.api import kinds, objects
from podlab.api.kinds import Kind
from podlab.api.objects import Key
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client
from podlab.errors import NotFound

M = TypeVar("M", bound=Message)

WRITER: ContextVar[str] = ContextVar("writer", default="")
"""The loop on whose behalf the present task works; tasks that it starts inherit it."""
# What lists are told apart by; a loop that writes an element of them leaves the others alone.
_KEYS = {"conditions": "type", "taints": "key"}
_TAKEN_OUT = "$deleteFromPrimitiveList/"
_SERVERS_OWN = frozenset({"resourceVersion", "generation", "uid", "creationTimestamp"})


class ObservedClient(Client):
    """`written` holds (loop, field); a field is as `Pod.status.conditions[Ready]`, or `Pod create`, `Pod delete`.

    `status_writes` are the objects whose status was written, once for each time.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.written: set[tuple[str, str]] = set()
        self.status_writes: list[Key] = []

    async def create(self, obj: M, *, dry_run: bool = False) -> M:
        created = await super().create(obj, dry_run=dry_run)
        self._note([f"{_name(obj)} create"])
        return created

    async def delete(self, kind: type[M] | Kind, name: str, namespace: str = "", **options: Any) -> bool:
        gone = await super().delete(kind, name, namespace, **options)
        self._note([f"{kinds.known(kind).name} delete"])
        return gone

    async def update(self, obj: M, *, dry_run: bool = False) -> M:
        before = await self._standing(obj)
        updated = await super().update(obj, dry_run=dry_run)
        self._compare(before, obj, lambda part: part != "status")
        return updated

    async def update_status(self, obj: M) -> M:
        self.status_writes.append(objects.key(obj))
        before = await self._standing(obj)
        updated = await super().update_status(obj)
        self._compare(before, obj, lambda part: part == "status")
        return updated

    async def patch(self, kind: type[M] | Kind, name: str, namespace: str = "", *, patch: Any, **options: Any) -> M:
        patched = await super().patch(kind, name, namespace, patch=patch, **options)
        self._note(f"{kinds.known(kind).name}.{path}" for path in _patched(patch))
        return patched

    async def _standing(self, obj: Any) -> Any:
        try:
            return await self.get(_kind(obj), obj.metadata.name, obj.metadata.namespace)
        except NotFound:
            return None  # what is written next fails, and tells so

    def _compare(self, before: Any, sent: Any, counts: Any) -> None:
        """Nothing is told of a write over a state that we did not see."""
        if before is None or sent.metadata.resourceVersion not in ("", before.metadata.resourceVersion):
            return
        self._note(f"{_name(sent)}.{path}" for path in differences(before, sent) if counts(path.partition(".")[0]))

    def _note(self, fields: Iterable[str]) -> None:
        self.written |= {(WRITER.get(), field) for field in fields}


def _kind(obj: Message) -> Kind:
    if not isinstance(obj, Custom):
        return kinds.of(obj)
    named = kinds.group_kind(obj)
    return Kind(named.group, obj.api_version.rpartition("/")[2], named.kind, "", Custom)


def _name(obj: Message) -> str:
    """Custom objects of all kinds go by one name."""
    return Custom.DESCRIPTOR.name if isinstance(obj, Custom) else kinds.of(obj).name


def _patched(patch: dict[str, dict[str, Any]]) -> Iterator[str]:
    for part, fields in patch.items():
        for field, value in fields.items():
            if field.startswith(_TAKEN_OUT):
                yield from (f"{part}.{field.removeprefix(_TAKEN_OUT)}[{element}]" for element in value)
            elif field != "uid":  # a precondition
                yield f"{part}.{field}"


def differences(old: Message, new: Message) -> Iterator[str]:
    """The fields that differ: those of metadata, spec and status by their own names, others of the object by theirs."""
    for part in old.DESCRIPTOR.fields:
        before, after = getattr(old, part.name), getattr(new, part.name)
        if before == after:
            continue
        if part.name not in ("metadata", "spec", "status"):
            yield part.name
            continue
        set_fields = {field.name: field for one in (before, after) for field, _ in one.ListFields()}
        for name, field in set_fields.items():
            if name not in _SERVERS_OWN:
                yield from (f"{part.name}.{path}" for path in _inside(field, before, after))


def _inside(field: FieldDescriptor, old: Message, new: Message) -> Iterator[str]:
    before, after = _elements(field, old), _elements(field, new)
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield f"{field.name}[{key}]" if key else field.name


def _elements(field: FieldDescriptor, of: Message) -> dict[str, object]:
    """A field's value by what its elements are told apart by, or as a whole by nothing."""
    value = getattr(of, field.name)
    if field.name in _KEYS:
        return {getattr(element, _KEYS[field.name]): element for element in value}
    if field.name == "finalizers":
        return dict.fromkeys(value, True)
    if field.name in ("annotations", "labels"):
        return dict(value)
    if field.has_presence and not of.HasField(field.name):
        return {}
    return {"": list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else value}
