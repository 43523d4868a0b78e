"""Types that variables are declared with, and the messages by which the compiler knows objects' fields.

The compiler reads objects as protobuf messages. A map or list within a map or list has no form there: of those the
items are not checked when the expression is compiled, but when it is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

PACKAGE = "podlab"
"""Of the messages that objects are to the compiler."""


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A type without parts, by the compiler's name."""

    name: str


BOOL = SimpleType("bool")
INT = SimpleType("int")
DOUBLE = SimpleType("double")
STRING = SimpleType("string")
BYTES = SimpleType("bytes")
TIMESTAMP = SimpleType("timestamp")
DURATION = SimpleType("duration")
DYN = SimpleType("dyn")


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: DeclaredType


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from strings."""

    value: DeclaredType


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object with fields, whose names are escaped. Each has a name of its own in the environment."""

    name: str
    fields: Mapping[str, DeclaredType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type of a library, or any that the compiler knows, as it is written: kubernetes.Quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class OptionalOf:
    """A value that may be absent."""

    value: DeclaredType


DeclaredType = SimpleType | ListOf | MapOf | ObjectOf | Opaque | OptionalOf


TypeSpec = dict[str, "str | list[TypeSpec]"]
"""A type in the compiler's configuration."""


def type_spec(declared: DeclaredType) -> TypeSpec:
    """The type as the compiler's configuration has it."""
    match declared:
        case ListOf(item):
            return {"type_name": "list", "params": [type_spec(item)]}
        case MapOf(value):
            return {"type_name": "map", "params": [{"type_name": "string"}, type_spec(value)]}
        case OptionalOf(value):
            return {"type_name": "optional_type", "params": [type_spec(value)]}
        case ObjectOf(name):
            return {"type_name": f"{PACKAGE}.{name}"}
        case SimpleType(name) | Opaque(name):
            return {"type_name": name}


def descriptors(
    roots: Mapping[str, DeclaredType], opaque: Iterable[str], made: Iterable[ObjectOf] = ()
) -> DescriptorPool:
    """All objects that the types hold, as messages, and the libraries' own types, as messages without fields; those
    that expressions make themselves, under their bare names."""
    pool = DescriptorPool()
    for package, names in groupby(sorted(opaque), key=lambda name: name.rpartition(".")[0]):
        messages = [DescriptorProto(name=name.rpartition(".")[2]) for name in names]
        pool.Add(FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3", message_type=messages))
    file = FileDescriptorProto(name="declared.proto", package=PACKAGE, syntax="proto3")
    for module in (duration_pb2, struct_pb2, timestamp_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        file.dependency.append(module.DESCRIPTOR.name)
    named: dict[str, ObjectOf] = {}
    for root in roots.values():
        named |= {one.name: one for one in _objects(root)}
    for one in named.values():
        file.message_type.append(_message(one))
    pool.Add(file)
    if constructed := [_message(one) for one in made]:
        own = FileDescriptorProto(name="made.proto", syntax="proto3", message_type=constructed)
        own.dependency.extend(file.dependency)
        pool.Add(own)
    return pool


def _objects(declared: DeclaredType) -> Iterator[ObjectOf]:
    match declared:
        case ListOf(inner) | MapOf(inner) | OptionalOf(inner):
            yield from _objects(inner)
        case ObjectOf():
            yield declared
            for inner in declared.fields.values():
                yield from _objects(inner)
        case _:
            pass


def _message(declared: ObjectOf) -> DescriptorProto:
    message = DescriptorProto(name=declared.name)
    # fooBar and foo_bar are one name in protobuf's JSON, which nobody reads here
    message.options.deprecated_legacy_json_field_conflicts = True
    taken = set(declared.fields)
    for number, (name, held) in enumerate(sorted(declared.fields.items()), start=1):
        # 19000 to 19999 are protobuf's own
        field_proto = message.field.add(name=name, number=number if number < 19000 else number + 1000)
        field_proto.json_name = f"j{number}"  # theirs would be made of the name, and two may become the same
        field_proto.label = FieldDescriptorProto.LABEL_OPTIONAL
        match held:
            case ListOf(item):
                field_proto.label = FieldDescriptorProto.LABEL_REPEATED
                _set_type(field_proto, item)
            case MapOf(value) if (entry_name := _entry_name(name)) not in taken:
                taken.add(entry_name)
                message.nested_type.append(_entry(entry_name, value))
                field_proto.label = FieldDescriptorProto.LABEL_REPEATED
                field_proto.type = FieldDescriptorProto.TYPE_MESSAGE
                field_proto.type_name = f".{PACKAGE}.{declared.name}.{entry_name}"
            case _:  # a map too, whose entries would be called as those of another: its values are not checked
                _set_type(field_proto, held)
    return message


def _entry(name: str, value: DeclaredType) -> DescriptorProto:
    """A map's entries, as protobuf has them."""
    entry = DescriptorProto(name=name)
    entry.options.map_entry = True
    entry.field.add(
        name="key", number=1, label=FieldDescriptorProto.LABEL_OPTIONAL, type=FieldDescriptorProto.TYPE_STRING
    )
    _set_type(entry.field.add(name="value", number=2, label=FieldDescriptorProto.LABEL_OPTIONAL), value)
    return entry


def _entry_name(name: str) -> str:
    """As protobuf names a map's entries: those of fooBar and of foo_bar are FooBarEntry."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"


_SCALARS = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_MESSAGES = {
    "timestamp": ".google.protobuf.Timestamp",
    "duration": ".google.protobuf.Duration",
    "dyn": ".google.protobuf.Value",
}


def _set_type(field_proto: FieldDescriptorProto, held: DeclaredType) -> None:
    match held:
        case SimpleType(name) if name in _SCALARS:
            field_proto.type = _SCALARS[name]
            return
        case SimpleType(name):
            field_proto.type_name = _MESSAGES[name]
        case ObjectOf(name):
            field_proto.type_name = f".{PACKAGE}.{name}"
        case ListOf():
            field_proto.type_name = ".google.protobuf.ListValue"
        case MapOf():
            field_proto.type_name = ".google.protobuf.Struct"
        case Opaque() | OptionalOf():
            field_proto.type_name = ".google.protobuf.Value"
    field_proto.type = FieldDescriptorProto.TYPE_MESSAGE
