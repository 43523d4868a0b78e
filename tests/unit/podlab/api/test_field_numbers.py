"""Every message is Kubernetes' own, to the bit: names, numbers and types of fields are those of its generated.proto.

tests/podlab_testing/kubernetes_fields.txt holds them, a message a line; `*` is a list, `map:` a map from strings.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from podlab_testing.source_code import PROJECT

from podlab.api.serializer.encoding import child_type, is_map
from podlab.api.serializer.unsupported import IGNORED, UNSUPPORTED

# Podlab's own, which Kubernetes' clients never meet.
OWN = frozenset({"meta.v1.ResourceNames"})
# Go's generator spells these so; JSON has them as we have.
SPELT = {"apiGroup": "aPIGroup", "uid": "uID"}
# Two messages there that have the same fields, and are one here.
SAME = {
    "core.v1.EphemeralContainerCommon": "core.v1.Container",
    "map:certificates.v1.ExtraValue": "map:authentication.v1.ExtraValue",
}
SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_DOUBLE: "double",
}


def known() -> dict[str, dict[str, str]]:
    lines = (PROJECT / "tests/podlab_testing/kubernetes_fields.txt").read_text().splitlines()
    rows = (line.split() for line in lines)
    return {name: dict(field.split("=") for field in fields) for name, *fields in rows}


KNOWN = known()


def messages() -> Iterator[Descriptor]:
    for path in sorted((PROJECT / "protos/podlab").rglob("*.proto")):
        name = ".".join(path.relative_to(PROJECT / "protos").with_suffix("").parts)
        if "foreign" not in path.parts and not name.startswith("podlab.v1."):
            yield from importlib.import_module(f"{name}_pb2").DESCRIPTOR.message_types_by_name.values()


def name_of(message: Descriptor) -> str:
    return message.full_name.removeprefix("podlab.")


def type_of(field: FieldDescriptor) -> str:
    if is_map(field):
        return "map:" + type_of(child_type(field).fields_by_name["value"])
    found = name_of(field.message_type) if field.message_type is not None else SCALARS[field.type]
    return f"*{found}" if field.is_repeated else found


PACKAGES = {name.rpartition(".")[0] for name in KNOWN}
MESSAGES = [
    message for message in messages() if name_of(message) not in OWN and name_of(message).rpartition(".")[0] in PACKAGES
]


@pytest.mark.parametrize("message", MESSAGES, ids=name_of)
def test_a_messages_fields_are_kubernetes_own(message: Descriptor) -> None:
    wanted = KNOWN[name_of(message)]
    for field in message.fields:
        name = field.name if field.name in wanted else SPELT[field.name]
        number, _, kind = wanted[name].partition(":")
        assert (field.number, type_of(field)) == (int(number), SAME.get(kind, kind)), field.full_name


@pytest.mark.parametrize("message", MESSAGES, ids=name_of)
def test_a_field_of_kubernetes_is_there_or_is_refused_by_name(message: Descriptor) -> None:
    """One that is neither would be unknown, as what nobody has."""
    declared = {spelt for field in message.fields for spelt in (field.name, SPELT.get(field.name, field.name))}
    # What is inline in another message is said by that one.
    outer = {"core.v1.VolumeSource": "Volume", "core.v1.PersistentVolumeSource": "PersistentVolumeSpec"}
    named = f"podlab.core.v1.{outer[name_of(message)]}" if name_of(message) in outer else message.full_name
    refused = UNSUPPORTED.get(named, frozenset()) | IGNORED.get(named, frozenset())
    assert KNOWN[name_of(message)].keys() - declared - refused == set()
