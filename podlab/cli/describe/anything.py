"""Kinds about which there is no more to say than what their fields say."""

from collections.abc import Mapping, Sequence

from google.protobuf.message import Message

from podlab.api import objects
from podlab.api.serializer import codec
from podlab.cli import discovery
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields, LayoutField

_TOLD_ELSEWHERE = frozenset({"apiVersion", "kind", "metadata"})


def describe(found: Message, related: Related) -> Fields:
    """Each field by its own name, nested as in the manifest."""
    told = [_told(name, value) for name, value in codec.to_dict(found).items() if name not in _TOLD_ELSEWHERE]
    return [*heading(objects.metadata(found), namespaced=discovery.kind_of(found).namespaced), *told, events(related)]


def _told(name: str, value: object) -> LayoutField:
    title = name[:1].upper() + name[1:]
    if isinstance(value, Mapping) and value:
        return layout.group(title, [_told(key, each) for key, each in value.items()])
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return layout.group(title, [_told(str(index), each) for index, each in enumerate(value)])
    return layout.field(title, _words(value))


def _words(value: object) -> str | Sequence[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return layout.NONE if value in (None, "", {}) else str(value)
