"""Objects to and from Kubernetes' JSON and YAML.

What cannot be understood is refused with BadRequest, whose causes name every bad field by its full path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import orjson
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.serializer import custom, manifest, settling
from podlab.api.serializer.decoding import NOT_SUPPORTED, UNKNOWN_FIELD, Problems, decoder
from podlab.api.serializer.encoding import encoder
from podlab.api.values.jsonvalues import Json, described
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest, Cause, bounded

M = TypeVar("M", bound=Message)


class ServedKinds(Protocol):
    """What reading a manifest takes to know: see `podlab.kinds.catalog`."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every version of every kind; of a group's versions the first is the one to prefer."""
        ...

    def of_api_version(self, api_version: str, kind: str) -> Kind | None:
        """The kind in just that version; None when that is not served."""
        ...


def to_dict(obj: Message) -> dict[str, Json]:
    """The object as Kubernetes' JSON, with apiVersion and kind."""
    if isinstance(obj, Custom):
        return custom.to_dict(obj)
    kind = kinds.of(obj)
    return {"kind": kind.name, "apiVersion": kind.api_version, **encoder(obj.DESCRIPTOR)(obj)}


def part_to_dict(message: Message) -> dict[str, Json]:
    """A message that is not an object by itself, such as a pod template."""
    return encoder(message.DESCRIPTOR)(message)


def kind_of(data: object, served: ServedKinds) -> Kind:
    """The kind that apiVersion and kind name. Raises BadRequest when they do not, or name none that is served."""
    fields = _object(data)
    said = {field: _text(fields, field) for field in ("apiVersion", "kind")}
    for field, value in said.items():
        if value is None:
            raise _bad(field, "FieldValueRequired", "Required value: every object says what it is")
    api_version, name = str(said["apiVersion"]), str(said["kind"])
    found = served.of_api_version(api_version, name)
    if found is not None:
        return found
    one_of_name = [kind for kind in served.kinds if kind.name == name]
    if not one_of_name:
        known = ", ".join(dict.fromkeys(kind.name for kind in served.kinds))
        raise _bad("kind", "FieldValueNotSupported", f'no kind "{name}" is served; known kinds: {known}')
    if old := [kind for kind in one_of_name if api_version in kind.also_read_as]:
        return old[0]
    raise _not_served(api_version, one_of_name[0])


def from_dict(data: object, kind: Kind, *, of_status: bool = False) -> Message:
    """The object of the kind that `data` describes, which need not say so itself.

    Of a status that is not what is written (`of_status`), what Podlab does not support is left aside with the rest.
    """
    fields = _object(data)
    _check_kind(fields, kind)
    if kind.message is not Custom:
        return _build(_without_type(fields), kind.message, None, of_status=of_status)
    message, unknown = custom.from_dict(fields, kind.api_version, kind.name)
    if unknown:
        causes = [Cause(field, "FieldValueInvalid", UNKNOWN_FIELD) for field in unknown]
        raise BadRequest("; ".join(map(str, causes)), causes=causes)
    return message


def from_dict_leniently(data: object, kind: Kind, *, of_status: bool = False) -> tuple[Message, list[str]]:
    """The object of the kind, and the paths of fields that nobody knows, which are left out of it.

    Fields of Kubernetes that Podlab does not support are refused all the same: somebody hopes for their effect.
    """
    fields = _object(data)
    _check_kind(fields, kind)
    if kind.message is Custom:
        return custom.from_dict(fields, kind.api_version, kind.name)
    unknown: list[Cause] = []
    message = _build(_without_type(fields), kind.message, unknown, of_status=of_status)
    return message, [cause.field for cause in unknown]


def settle(message: Message, said: Mapping[str, object], kind: Kind, *, of_status: bool = False) -> None:
    """Make a message that came as bytes what `from_dict` would have made of it, had it come as JSON.

    `said` holds what its sender calls it: apiVersion and kind. Raises BadRequest, as `from_dict` does.
    """
    _check_kind(said, kind)
    found = Problems()
    settling.settle(message, found)
    _refuse(found, _of_interest(found, of_status=of_status))


def part_from_dict(data: object, message_type: type[M]) -> M:
    """A message that is not an object by itself."""
    return _build(data, message_type, None, of_status=True)


def part_from_dict_leniently(data: object, message_type: type[M]) -> tuple[M, list[str]]:
    """A message that is not an object by itself, and the paths of fields that nobody knows, which are left out."""
    unknown: list[Cause] = []
    message = _build(data, message_type, unknown, of_status=True)
    return message, [cause.field for cause in unknown]


def _build(data: object, message_type: type[M], unknown: list[Cause] | None, *, of_status: bool) -> M:
    """The message. Unknown fields go to `unknown` where the caller wants them, and are problems otherwise."""
    found = Problems()
    fields = decoder(message_type.DESCRIPTOR)(data, None, found)
    problems = _of_interest(found, of_status=of_status)
    if unknown is not None:
        unknown += [cause for cause in problems if cause.message.startswith(UNKNOWN_FIELD)]
        problems = [cause for cause in problems if not cause.message.startswith(UNKNOWN_FIELD)]
    _refuse(found, problems)
    try:
        return message_type(**fields)
    except UnicodeEncodeError as error:
        raise BadRequest(f"text that is not valid Unicode: {described(error.object)}") from error


def _of_interest(found: Problems, *, of_status: bool) -> Sequence[Cause]:
    """Without what is not supported in a status, unless the status is what is written."""
    return found if of_status else [cause for cause in found if not _is_of_no_interest(cause)]


def _refuse(found: Problems, problems: Sequence[Cause]) -> None:
    """Raises BadRequest for the problems, if there are any, of those that were found."""
    if problems:
        problems = bounded(problems, found.more)
        raise BadRequest("; ".join(str(problem) for problem in problems), causes=problems)


def _is_of_no_interest(cause: Cause) -> bool:
    return cause.reason == NOT_SUPPORTED and cause.field.startswith("status.")


def to_json(obj: Message) -> bytes:
    return custom.to_json(obj) if isinstance(obj, Custom) else orjson.dumps(to_dict(obj))


def to_yaml(objects: list[Message]) -> str:
    """One document for each object."""
    return manifest.write([to_dict(obj) for obj in objects])


def _object(data: object) -> dict[str, object]:
    if type(data) is not dict:
        raise BadRequest(f"expected an object, found {described(data)}")
    return data


def _without_type(fields: dict[str, object]) -> dict[str, object]:
    own = {name: fields[name] for name in fields if name not in ("apiVersion", "kind")}
    metadata = own.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") == []:
        # Nobody is to manage anything any more. A message cannot tell an empty list from none; one empty entry says
        # the same.
        own["metadata"] = {**metadata, "managedFields": [{}]}
    return own


def _check_kind(data: Mapping[str, object], expected: Kind) -> None:
    """What apiVersion and kind say, if they say anything, must be what is expected."""
    version, name = _text(data, "apiVersion"), _text(data, "kind")
    if name not in (None, expected.name):
        raise _bad("kind", "FieldValueInvalid", f'"{name}" where {expected.name} is expected')
    if version not in (None, expected.api_version, *expected.also_read_as):
        raise _not_served(version, expected)


def _text(data: Mapping[str, object], field: str) -> str | None:
    value = data.get(field)
    if value is not None and type(value) is not str:
        raise _bad(field, "FieldValueTypeInvalid", f"expected a string, found {described(value)}")
    return value


def _not_served(version: str | None, kind: Kind) -> BadRequest:
    message = f'"{version}" is not served for {kind.name}: use {kind.api_version}'
    return _bad("apiVersion", "FieldValueNotSupported", message)


def _bad(field: str, reason: str, message: str) -> BadRequest:
    return BadRequest(f"{field}: {message}", causes=[Cause(field, reason, message)])
