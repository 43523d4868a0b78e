"""Who manages which fields of an object once a write is done: what the write has to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from google.protobuf.message import Message

from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.write import Write
from master.apiserver.managedfields import entries, field_manager, whole
from master.apiserver.managedfields.field_manager import AppliedConfiguration, FieldWriter
from master.apiserver.registry.subresources import SubresourceStrategy
from master.apiserver.watchcache.cached_object import CachedObject
from podlab.api import objects
from podlab.api.conversion.versions import custom_in
from podlab.api.kinds import Kind
from podlab.api.serializer import weight
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apply.field_set import FieldSet
from podlab.errors import BadRequest, Conflict
from podlab.kinds.resource import Resource
from podlab.meta.v1.meta_pb2 import ManagedFieldsEntry

_REMEMBERED = 512


def writer(write: Write) -> FieldWriter:
    """As managedFields know who writes."""
    return _writer(write.context.manager, write.version or write.kind, write.subresource)


@lru_cache(maxsize=_REMEMBERED)
def _writer(name: str, version: Kind, subresource: str) -> FieldWriter:
    """Made once: a batch has one writer for all that it writes."""
    return FieldWriter(name, version, subresource)


def made(write: Write, entry: CachedObject, old: Message, part: SubresourceStrategy) -> Message:
    """What is sent for the object as it stands: a change is given one of its own. Raises what a patch raises, and
    RequestTooLarge, ConversionNeeded."""
    if write.change is not None and not part.is_tracked:
        return write.made_from(entry.message())  # by the server itself, which makes nothing large
    sent = write.made_from(old if write.change is None else _shown(write, entry))
    weight.check_message(sent)
    return sent


def _shown(write: Write, entry: CachedObject) -> Message:
    """The object as its writer sees it: with managedFields, unless the change has nothing to do with them."""
    found = entry.whole() if write.sees_managed_fields else entry.message()
    return custom_in(found, write.seen) if isinstance(found, Custom) else found


def take_entries(sent: Message) -> list[ManagedFieldsEntry]:
    """The managedFields that somebody sends with an object, which is then without them."""
    metadata = objects.metadata(sent)
    if not metadata.managedFields:
        return []
    found = [*metadata.managedFields]
    metadata.ClearField("managedFields")
    return found


def managed(
    write: Write,
    entry: CachedObject,
    old: Message,
    new: Message,
    resource: Resource,
    claimed: Sequence[ManagedFieldsEntry],
    now_s: int,
) -> bytes:
    """managedFields of `new`, which the object is to become; `claimed` are those that were sent."""
    return field_manager.updated(
        old, new, resource, stored=entry.managed, sent=claimed, writer=writer(write), now_s=now_s
    )


def applied(write: Write, entry: CachedObject, old: Message, resource: Resource, now_s: int) -> tuple[Message, bytes]:
    """What is sent for an object to which something is applied, and its managedFields. Raises BadRequest, Conflict."""
    new, stored = field_manager.applied(
        old, _configuration(write), resource, stored=entry.managed, writer=writer(write), now_s=now_s
    )
    objects.check_place(objects.metadata(new), namespace=write.namespace, name=write.name)
    return new, stored


async def created(write: Write, resource: Resource, now_s: int) -> tuple[Message, bytes]:
    """The object that is made of an applied configuration, and its managedFields. Raises BadRequest, Conflict,
    Forbidden."""
    assert write.application is not None
    new, stored = field_manager.applied(
        None, _configuration(write), resource, stored=b"", writer=writer(write), now_s=now_s
    )
    metadata = objects.metadata(new)
    if not metadata.name:
        raise BadRequest(
            f"the name of the object ({write.name} based on URL) was undeterminable: name must be provided"
        )
    if metadata.uid:
        why = f"uid mismatch: the provided object specified uid {metadata.uid}, and no existing object was found"
        raise Conflict.of(write.kind.resource, write.name, why)
    metadata.resourceVersion = ""
    objects.check_place(metadata, namespace=write.namespace, name=write.name)
    if write.application.admit_creation is not None:
        await write.application.admit_creation()
    return new, stored


def is_written_as_a_whole(request: AdmissionRequest) -> bool:
    """Whether the author of a new object writes all that is stored of it, in the version that is stored."""
    write = request.write
    return write.kind.message is not Custom and write.version in (None, write.kind) and whole.has_fields(request.new)


def begin(request: AdmissionRequest, fields: FieldSet) -> None:
    """These are what the author of a new object has written, unless it came with managedFields: it was applied."""
    if not request.managed and fields:
        now_s = objects.metadata(request.new).creationTimestamp.seconds
        request.managed = field_manager.created(fields, writer(request.write), now_s)


def told_apart(request: AdmissionRequest) -> None:
    """Somebody adds to the new object what nobody is to manage."""
    request.managed = field_manager.told_apart(request.managed, request.new)


def settled(request: AdmissionRequest, stored: bytes) -> bytes:
    """managedFields of an object that has not changed: a write that changes nobody's fields leaves no time behind."""
    if stored == request.managed:
        return stored
    before, after = (field_manager.told_apart(one, request.new) for one in (stored, request.managed))
    return stored if entries.differ_by_times(before, after) else request.managed


def _configuration(write: Write) -> AppliedConfiguration:
    assert write.application is not None
    return AppliedConfiguration(write.application.configuration, write.application.force)
