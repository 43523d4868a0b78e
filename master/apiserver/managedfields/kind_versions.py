"""The versions of one kind, as ownership needs them: shapes and conversions of objects as JSON. Pure."""

from __future__ import annotations

from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apply.versions import MissingVersion
from podlab.kinds.resource import Resource
from podlab.shapes.messages import shape_of
from podlab.shapes.shape import Struct


class KindVersions:
    """Those that are served of a kind that is stored."""

    def __init__(self, resource: Resource) -> None:
        served = (resource.kind, *(version.kind for version in resource.other_versions))
        self._kinds = {kind.api_version: kind for kind in served}

    def shape(self, api_version: str) -> Struct:
        """Raises MissingVersion."""
        return shape_of(self._kind(api_version).message)

    def convert(self, value: Json, source: str, target: str) -> Json:
        """Raises MissingVersion, and BadRequest for what the other version cannot say."""
        kind = self._kind(target)
        if source == target:
            return value
        message = versions.stored(codec.from_dict(value, self._kind(source), of_status=True))
        return codec.to_dict(versions.shown(message, kind))

    def _kind(self, api_version: str) -> Kind:
        if api_version not in self._kinds:
            raise MissingVersion(api_version)
        return self._kinds[api_version]
