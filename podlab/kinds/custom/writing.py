"""How objects of a custom kind are written: by their schema, in the version that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.api.kinds import Kind
from podlab.api.serializer import codec, custom
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest, MethodNotAllowed
from podlab.kinds.custom.parts import CustomParts
from podlab.kinds.custom.schema import VersionSchema
from podlab.kinds.strategy import Strategy, nothing
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.rules import Rules

_ALL_MARKS = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})


@dataclass(frozen=True, slots=True)
class CustomWrites:
    """`kind` is the stored version. Of a kind that is terminating no object is made any more."""

    kind: Kind
    schema: VersionSchema
    is_terminating: bool = False

    def strategy(self) -> Strategy:
        """What the registry asks."""
        return Strategy(
            parts=CustomParts(self.kind.has_status),
            counts_generations=True,
            fixed_marks=_ALL_MARKS,
            set_defaults=self.set_defaults,
            prepare_for_create=_refuse if self.is_terminating else nothing,
            prepare_for_status_update=self.prepare_for_status_update,
            read_stored=self.read_stored,
            rules=Rules(
                create=self.check,
                update=self.check_update,
                status_update=self.check_update,
                name=syntax.subdomain,
                finalizer=syntax.qualified_name,
            ),
        )

    def set_defaults(self, message: Custom) -> None:
        """What the schema says of what was left out, and of what it does not know. Raises BadRequest."""
        content = custom.content(message)
        self.schema.arrive(content)
        custom.set_content(message, content)
        message.api_version = self.kind.api_version

    def prepare_for_status_update(self, message: Custom, *_: object) -> None:
        """A status is defaulted and pruned as all else is."""
        self.set_defaults(message)

    def read_stored(self, value: bytes) -> bytes:
        """An object that may have been stored under another schema, or in another version, as it is now. One that
        cannot be read by the schema stays: whoever reads it sees what there is. One that only a webhook can convert
        stays in its version."""
        message, conversion = Custom.FromString(value), self.kind.conversion
        if conversion is not None and conversion.by_webhook and message.api_version != self.kind.api_version:
            return value
        try:
            self.set_defaults(message)
        except BadRequest:
            message.api_version = self.kind.api_version
        return message.SerializeToString()

    def check(self, found: Findings, message: Custom) -> None:
        """A new object."""
        found.add(*self.schema.faults(codec.to_dict(message)))

    def check_update(self, found: Findings, new: Custom, old: Custom) -> None:
        """Parts that were wrong before, and have not changed, may stay (KEP-4008)."""
        found.add(*self.schema.faults(codec.to_dict(new), codec.to_dict(old)))


@dataclass(frozen=True, slots=True)
class Decoder:
    """Makes objects of what clients send in one version."""

    schema: VersionSchema

    def __call__(self, data: Mapping[str, Json], kind: Kind, *, of_status: bool = False) -> tuple[Custom, list[str]]:
        """See `podlab.kinds.resource.Decode`."""
        message, unknown = codec.from_dict_leniently(data, kind, of_status=of_status)
        assert isinstance(message, Custom)
        content = custom.content(message)
        if dropped := self.schema.arrive(content):
            custom.set_content(message, content)
        return message, sorted([*unknown, *dropped])


def _refuse(_: Custom) -> None:
    raise MethodNotAllowed("create not allowed while custom resource definition is terminating")
