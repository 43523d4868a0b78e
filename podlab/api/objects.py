"""Objects as such, whatever their kind: their keys, and the envelope that carries them in calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from podlab.api import kinds
from podlab.api.kinds import GroupKind, Kind
from podlab.api.values.jsonvalues import clipped
from podlab.errors import BadRequest
from podlab.meta.v1 import meta_pb2
from podlab.v1 import object_pb2

M = TypeVar("M", bound=Message)


@runtime_checkable
class ApiObject(Protocol):
    """What every object's message has. They are protobuf messages all the same: see `podlab.api.kinds`."""

    @property
    def metadata(self) -> meta_pb2.ObjectMeta: ...


class Key(NamedTuple):
    """Where an object stands. `namespace` is empty for kinds that have none.

    A tuple, since the hash of one is several times as fast as a dataclass's: all stores are by key.
    """

    group_kind: GroupKind
    namespace: str
    name: str

    @staticmethod
    def of(kind: type[Message] | Kind, namespace: str, name: str) -> Key:
        """The key of an object of that kind, or message type."""
        return Key(kinds.known(kind).group_kind, namespace, name)

    @property
    def kind(self) -> str:
        """The kind's name, for texts: two groups may have kinds of one name."""
        return self.group_kind.kind

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


def metadata(message: Message) -> meta_pb2.ObjectMeta:
    """The object's metadata. Its message must be that of a kind."""
    found: meta_pb2.ObjectMeta = message.metadata  # type: ignore[attr-defined]
    return found


def check_place(new: meta_pb2.ObjectMeta, *, namespace: str, name: str) -> None:
    """Nothing that is sent renames or moves an object. Raises BadRequest for another place than this, which is that of
    the object before, or of the URL."""
    if new.name != name:
        raise BadRequest(f"the name of the object ({clipped(new.name)}) does not match the name on the URL ({name})")
    if not new.namespace or not namespace:  # what lives in no namespace stays there
        new.namespace = namespace
    if new.namespace != namespace:
        raise BadRequest(
            f"the namespace of the provided object ({clipped(new.namespace)}) does not match the namespace sent on the "
            f"request ({namespace})"
        )


def typed(message: Message, expected: type[M]) -> M:
    """The same message, which is known to be of that type."""
    assert isinstance(message, expected), f"a {type(message).__name__} where a {expected.__name__} is expected"
    return message


def key(message: Message) -> Key:
    """The object's key."""
    own: meta_pb2.ObjectMeta = message.metadata  # type: ignore[attr-defined]
    return Key(kinds.group_kind(message), own.namespace, own.name)


def wrap(message: Message) -> object_pb2.Object:
    """The envelope that carries the object in calls."""
    envelope = object_pb2.Object()
    field = kinds.object_field(type(message))
    if field == kinds.OTHER:
        envelope.other.Pack(message)
    else:
        getattr(envelope, field).CopyFrom(message)
    return envelope


def unwrap(envelope: object_pb2.Object) -> Message:
    """The object in the envelope. Raises BadRequest when there is none."""
    field = envelope.WhichOneof("kind")
    if field is None:
        raise BadRequest("object: Required value: none of the envelope's kinds is set")
    message: Message = getattr(envelope, field) if field != kinds.OTHER else _unpacked(envelope.other)
    return message


def _unpacked(packed: any_pb2.Any) -> Message:
    """Raises BadRequest for what is no kind of objects, or broken."""
    name = packed.TypeName()  # type: ignore[no-untyped-call,unused-ignore]
    try:
        kind = kinds.of(message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name)))  # type: ignore[no-untyped-call,unused-ignore]
        if kind.object_field != kinds.OTHER:
            raise BadRequest(f"object: other: {kind.name} has a field of its own")
        return kind.message.FromString(packed.value)
    except (KeyError, DecodeError) as error:
        raise BadRequest(f"object: no kind is known whose message is {name!r}, or it is malformed") from error


class _Condition(Protocol):
    @property
    def type(self) -> str: ...


class _Stated(_Condition, Protocol):
    @property
    def status(self) -> str: ...


C = TypeVar("C", bound=_Condition)


def condition(conditions: Iterable[C], condition_type: str) -> C | None:
    """The condition of that type, or None."""
    return next((found for found in conditions if found.type == condition_type), None)


def is_true(conditions: Iterable[_Stated], condition_type: str) -> bool:
    """Whether the condition of that type is there and holds."""
    found = condition(conditions, condition_type)
    return found is not None and found.status == "True"


def owner_kind(reference: meta_pb2.OwnerReference) -> GroupKind:
    """Which kind the owner is of: its group stands in the apiVersion."""
    return kinds.referenced(reference.apiVersion, reference.kind)


def is_owner(reference: meta_pb2.OwnerReference, kind: type[Message]) -> bool:
    """Whether the owner is of that kind, in whichever version."""
    return owner_kind(reference) == kinds.of(kind).group_kind


def controller_of(metadata: meta_pb2.ObjectMeta) -> meta_pb2.OwnerReference | None:
    """The owner that manages the object, or None."""
    return next((owner for owner in metadata.ownerReferences if owner.controller), None)
