"""What a message is: its group, version and kind, and its names, which its proto says in an option.

How objects of a kind behave is not said here: that is `podlab.kinds`, a file for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from google.protobuf import message_factory
from google.protobuf.message import Message

from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.meta.v1 import options_pb2
from podlab.v1 import object_pb2

RBAC = "rbac.authorization.k8s.io"
METRICS = "metrics.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"


OTHER, CUSTOM = "other", "custom"
SHARED = frozenset({OTHER, CUSTOM})
"""The fields of `podlab.v1.Object` that are not of one kind."""


class GroupKind(NamedTuple):
    """What a kind is known by: two groups may have kinds of one name. The core group is empty."""

    group: str
    kind: str

    def __str__(self) -> str:
        """As Invalid errors name it: Pod, Deployment.apps."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class GroupResource(NamedTuple):
    """What permissions, quotas and paths know a kind by: the group and the plural."""

    group: str
    resource: str

    def __str__(self) -> str:
        """As messages name it: pods, deployments.apps."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


class CustomConversion(Protocol):
    """How objects of a custom kind become those of another of its versions."""

    @property
    def by_webhook(self) -> bool:
        """Whether somebody else has to be asked."""
        ...

    def converted(self, message: Custom, kind: Kind) -> Custom:
        """The object in the version that `kind` is of; `message` stays as it is. Raises ConversionNeeded where nobody
        has been asked yet."""
        ...


@dataclass(frozen=True, eq=False)
class Kind:
    """One version of a kind, and what it is called.

    Of messages that are of one kind alone `of` has it; those that several kinds share say themselves which they are of
    (`group_kind`).
    """

    group: str  # "" is the core group
    version: str
    name: str
    plural: str
    message: type[Message]
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()
    """Words that stand for it together with others, as `all` does."""
    also_read_as: tuple[str, ...] = ()
    """apiVersions of old clients' objects, which are read as this one's."""
    singular_name: str = ""
    """What one of them is called; empty for the kind's name in lower case."""
    list_name: str = ""
    """The kind of its lists; empty for the kind's name with List behind it."""
    custom_status: bool = False
    """Of kinds of custom objects: whether there is a status that is written apart."""
    conversion: CustomConversion | None = None
    """Of kinds of custom objects that have several versions. It is the same for all of them."""

    @cached_property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.name)

    @cached_property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    @property
    def api_version(self) -> str:
        """As in a manifest: v1, apps/v1."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.singular_name or self.name.lower()

    @property
    def list_kind(self) -> str:
        """What lists of them say in `kind`."""
        return self.list_name or f"{self.name}List"

    @property
    def resource(self) -> str:
        """As messages name it: pods, deployments.apps."""
        return str(self.group_resource)

    @property
    def qualified_name(self) -> str:
        """As Invalid errors name it: Pod, Deployment.apps."""
        return str(self.group_kind)

    @cached_property
    def has_status(self) -> bool:
        return self.custom_status or "status" in self.message.DESCRIPTOR.fields_by_name

    @property
    def object_field(self) -> str:
        """The name of its field in `podlab.v1.Object`: kinds that have none of their own share one."""
        return object_field(self.message)


def type_meta(message: Message) -> tuple[str, str]:
    """The apiVersion and the kind that an object says it is of. KeyError when its message is of no kind."""
    if isinstance(message, Custom):
        return message.api_version, message.kind
    kind = of(message)
    return kind.api_version, kind.name


def group_kind(message: Message) -> GroupKind:
    """What an object is of. KeyError when its message is of no kind."""
    return referenced(message.api_version, message.kind) if isinstance(message, Custom) else of(message).group_kind


def of(message: Message | type[Message]) -> Kind:
    """The kind of a message or message type, whether it is stored or not. KeyError when it is of none, and for
    `Custom`, which is of many: catalogs tell those apart."""
    known = _KNOWN.get(message.DESCRIPTOR.full_name)
    return known if known is not None else _read(message if isinstance(message, type) else type(message))


def known(of_kind: Kind | type[Message]) -> Kind:
    """The kind itself, or the one of a message type: callers name kinds by either."""
    return of_kind if isinstance(of_kind, Kind) else of(of_kind)


def object_field(message: type[Message]) -> str:
    """The name of a message's field in `podlab.v1.Object`."""
    return _OBJECT_FIELDS.get(message.DESCRIPTOR.full_name, OTHER)


def referenced(api_version: str, kind: str) -> GroupKind:
    """What a reference such as an owner's means, whatever the version: that of apps/v1 and Deployment."""
    return GroupKind(api_version.rpartition("/")[0], kind)


def enveloped() -> tuple[Kind, ...]:
    """The kinds that have a field of their own in `podlab.v1.Object`, in the order of these fields."""
    fields = object_pb2.Object.DESCRIPTOR.oneofs_by_name["kind"].fields
    messages = (field.message_type for field in fields if field.name not in SHARED and field.message_type is not None)
    return tuple(of(message_factory.GetMessageClass(message)) for message in messages)


def _read(message: type[Message]) -> Kind:
    """The kind that the message's option makes of it."""
    descriptor = message.DESCRIPTOR
    options = descriptor.GetOptions()
    if not options.HasExtension(options_pb2.resource):
        raise KeyError(f"{descriptor.full_name} is no kind of objects")
    names = options.Extensions[options_pb2.resource]
    kind = Kind(
        names.group,
        descriptor.file.package.rpartition(".")[2],
        descriptor.name,
        names.plural,
        message,
        tuple(names.short_names),
        namespaced=not names.cluster_scoped,
        categories=tuple(names.categories),
        also_read_as=tuple(names.also_read_as),
    )
    _KNOWN[descriptor.full_name] = kind
    return kind


_KNOWN: dict[str, Kind] = {}  # by the message's full name
_OBJECT_FIELDS = {
    field.message_type.full_name: field.name
    for field in object_pb2.Object.DESCRIPTOR.oneofs_by_name["kind"].fields
    if field.message_type is not None
}
