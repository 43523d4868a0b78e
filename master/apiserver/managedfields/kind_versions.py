"""The versions of one kind, as ownership needs them: shapes of their objects, and these from one to the other. Pure."""

from __future__ import annotations

from google.protobuf.message import Message

from master.apiserver.managedfields import message_comparison
from podlab.api import kinds
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, custom
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apply import comparison, path
from podlab.apply.comparison import Comparison
from podlab.apply.field_set import FieldSet, made
from podlab.apply.ownership import Changes
from podlab.apply.versions import MissingVersion
from podlab.kinds.resource import Resource
from podlab.schemas import shapes
from podlab.shapes import messages
from podlab.shapes.shape import Struct

_METADATA = path.member("metadata")


class KindVersions:
    """Those that are served of a kind that is stored."""

    def __init__(self, resource: Resource) -> None:
        self._shapes: dict[str, Struct] = {}
        self._kinds = {resource.kind.api_version: resource.kind}
        self._resources = {resource.kind.api_version: resource}
        for version in resource.other_versions:
            self._kinds[version.kind.api_version] = version.kind
            if version.resource is not None:
                self._resources[version.kind.api_version] = version.resource

    def shape(self, api_version: str) -> Struct:
        """Raises MissingVersion."""
        shape = self._shapes.get(api_version)
        if shape is None:
            shape = self._shapes[api_version] = self._shape(api_version)
        return shape

    def _shape(self, api_version: str) -> Struct:
        kind, resource = self._kind(api_version), self._resources.get(api_version)
        if resource is None or resource.load_schema is None:
            return messages.shape_of(kind.message)
        return shapes.shape_of(resource.load_schema())

    def convert(self, value: Json, source: str, target: str) -> Json:
        """Raises MissingVersion, and BadRequest for what the other version cannot say."""
        kind = self._kind(target)
        if source == target:
            return value
        message = versions.stored(codec.from_dict(value, self._kind(source), of_status=True))
        return codec.to_dict(versions.shown(message, kind))

    def changes(self, old: Message, new: Message) -> Changes:
        """What differs between two objects of one version: the stored one, of custom objects that of their writer. As
        JSON where another version has to be made of them."""
        own, _ = kinds.type_meta(new)

        def compared(api_version: str) -> Comparison:
            if api_version == own:
                return self._compared(old, new)
            shape = self.shape(api_version)
            before, after = (self.convert(codec.to_dict(one), own, api_version) for one in (old, new))
            return comparison.compare(before, after, shape)

        return compared

    def _compared(self, old: Message, new: Message) -> Comparison:
        if not isinstance(old, Custom) or not isinstance(new, Custom):
            return message_comparison.compare(old, new)
        of_metadata = message_comparison.compare(old.metadata, new.metadata)
        if old.content == new.content:
            return Comparison(_below_metadata(of_metadata.written), _below_metadata(of_metadata.removed))
        rest = comparison.compare(custom.content(old), custom.content(new), self.shape(new.api_version))
        return Comparison(
            _below_metadata(of_metadata.written) | rest.written, _below_metadata(of_metadata.removed) | rest.removed
        )

    def _kind(self, api_version: str) -> Kind:
        if api_version not in self._kinds:
            raise MissingVersion(api_version)
        return self._kinds[api_version]


def _below_metadata(fields: FieldSet) -> FieldSet:
    return made((), {_METADATA: fields})
