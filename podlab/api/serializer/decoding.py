"""Kubernetes' JSON shape to messages: every field known and of the right type, or a problem with its full path.

Compiled once per message type from its descriptor. A reader turns JSON into what the message's constructor takes, so
that one call in C builds the whole message; problems are collected on the way.
"""

import binascii
from collections import Counter
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from podlab.api.serializer.encoding import child_type, holds_itself, is_alternative, is_always, is_inline, is_map
from podlab.api.serializer.scalars import SCALARS
from podlab.api.serializer.unsupported import IGNORED, LIMITED, UNSUPPORTED, says_something
from podlab.api.values.jsonvalues import described
from podlab.errors import MOST_CAUSES, Cause

# A path is linked from the leaf up, so that the usual case, no problem, pays for no string.
# A step is a field's name, an index of a list, or the key of a map in a tuple of its own.
Step = str | int | tuple[str]
Path = tuple["Path", Step] | None
Reader = Callable[[object, Path, list[Cause]], object]
ObjectReader = Callable[[object, Path, list[Cause]], dict[str, object]]

Limits = tuple[tuple[str | bool, ...], str]

UNKNOWN_FIELD = "unknown field"
"""How the message of a problem begins that is a field nobody knows, rather than a wrong value."""

NOT_SUPPORTED = "FieldValueNotSupported"
"""The reason of a problem that is a field, or a value of it, that Kubernetes has and Podlab has not."""

_REMOVE = "not supported by Podlab: remove the field"

MOST_STEPS = 80
"""How many fields, items and keys deep a message may stand that holds others of its type. Protobuf reads 100 messages
deep, and there are two to a map's value."""


class Problems(list[Cause]):
    """The first problems of each sort, of which callers may leave some aside. `more` is how many others are."""

    def __init__(self) -> None:
        super().__init__()
        self.more = 0
        self._count: Counter[tuple[bool, str, bool]] = Counter()

    def append(self, cause: Cause) -> None:
        """Keep it, or count it."""
        sort = cause.message.startswith(UNKNOWN_FIELD), cause.reason, cause.field.startswith("status.")
        self._count[sort] += 1
        if self._count[sort] > MOST_CAUSES:
            self.more += 1
        else:
            super().append(cause)


# Guessing what was meant takes time, and what is wrong on purpose is long and wrong many times.
_HINTS = 20
_LONGEST_NAME = 100

_INTEGERS = {
    FieldDescriptor.TYPE_INT32: ("a 32-bit integer", -(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: ("a 64-bit integer", -(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: ("a 32-bit integer that is not negative", 0, 2**32 - 1),
}
_PLAIN: dict[int, tuple[type, str]] = {
    FieldDescriptor.TYPE_STRING: (str, "a string"),
    FieldDescriptor.TYPE_BOOL: (bool, "a boolean"),
}

_ZEROS: dict[int, object] = {
    FieldDescriptor.TYPE_STRING: "",
    FieldDescriptor.TYPE_BOOL: False,
    FieldDescriptor.TYPE_BYTES: b"",
}


def path_text(path: Path) -> str:
    """spec.containers[0].image; keys of maps in brackets: metadata.labels[app]."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f".{step}" if isinstance(step, str) else f"[{step[0] if isinstance(step, tuple) else step}]")
    return "".join(reversed(steps)).removeprefix(".")


@cache
def decoder(descriptor: Descriptor) -> ObjectReader:
    """The function that reads objects of this type."""
    inlined = [(field.name, child_type(field)) for field in descriptor.fields if is_inline(field)]
    if not inlined:
        return _decoder_of_own_fields(descriptor, frozenset())
    parts = [(name, frozenset(_json_names(child)), decoder(child)) for name, child in inlined]
    own = _decoder_of_own_fields(descriptor, frozenset().union(*(names for _, names, _ in parts)))

    def decode(data: object, path: Path, problems: list[Cause]) -> dict[str, object]:
        out = own(data, path, problems)
        if type(data) is dict:
            for name, names, read in parts:
                part = {key: data[key] for key in data if key in names}
                if part:
                    out[name] = read(part, path, problems)
        return out

    return decode


def _json_names(descriptor: Descriptor) -> set[str]:
    """The names of a message's fields as JSON has them, those of inlined messages included."""
    names: set[str] = set()
    for field in descriptor.fields:
        names |= _json_names(child_type(field)) if is_inline(field) else {field.json_name}
    return names


def _decoder_of_own_fields(descriptor: Descriptor, elsewhere: frozenset[str]) -> ObjectReader:
    """Reads all but inlined fields; names in `elsewhere` are read by others."""
    fields = [field for field in descriptor.fields if not is_inline(field)]
    readers = {field.json_name: _reader(field) for field in fields}
    limited = {field.json_name: limits for field in fields if (limits := limitation(field)) is not None}
    renamed = [(field.json_name, field.name) for field in fields if field.json_name != field.name]
    readers |= {name: _limited_reader(readers[name], limits) for name, limits in limited.items()}
    plain = {
        field.json_name: _PLAIN[field.type][0]
        for field in fields
        if not field.is_repeated and field.type in _PLAIN and field.json_name not in limited
    }

    def decode(data: object, path: Path, problems: list[Cause]) -> dict[str, object]:
        out: dict[str, object] = {}
        if type(data) is not dict:
            problems.append(_mismatch(path, "an object", data))
            return out
        for name, value in data.items():
            if plain.get(name) is type(value):
                out[name] = value
            elif name in readers:
                if value is not None:
                    out[name] = readers[name](value, (path, name), problems)
            elif name not in elsewhere:
                _refuse(descriptor, name, value, path, problems)
        for name, own in renamed:
            if name in out:
                out[own] = out.pop(name)
        return out

    return decode


def _refuse(descriptor: Descriptor, name: object, value: object, path: Path, problems: list[Cause]) -> None:
    """A field that the message does not have: of Kubernetes but not of Podlab, dropped without a word, or unknown."""
    if name in IGNORED.get(descriptor.full_name, ()):
        return
    where = path_text((path, str(name)))
    if name in UNSUPPORTED.get(descriptor.full_name, ()):
        if says_something(descriptor.full_name, value):
            problems.append(Cause(where, NOT_SUPPORTED, _REMOVE))
        return
    guessable = len(problems) < _HINTS and len(str(name)) <= _LONGEST_NAME
    near = get_close_matches(str(name), _json_names(descriptor), n=1, cutoff=0.75) if guessable else []
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    problems.append(Cause(where, "FieldValueInvalid", f"{UNKNOWN_FIELD}{hint}"))


def _reader(field: FieldDescriptor) -> Reader:
    if is_map(field):
        return _map_reader(_element_reader(child_type(field).fields_by_name["value"]))
    if field.is_repeated:
        return _list_reader(_element_reader(field))
    message = field.message_type
    if message is not None and message.full_name not in SCALARS and is_always(field):
        return _absent_when_empty(decoder(message), message)
    return _one_reader(field)


def _absent_when_empty(one: ObjectReader, descriptor: Descriptor) -> Reader:
    """For a message that JSON always has: what is written for an absent one (`resources: {}`) is read as absent.

    Otherwise an object would come back from JSON different from what it was, for the same text.
    """
    implicit = frozenset(field.name for field in descriptor.fields if not field.has_presence)

    def read(value: object, path: Path, problems: list[Cause]) -> object:
        out = one(value, path, problems)
        return out if any(part or (part is not None and name not in implicit) for name, part in out.items()) else None

    return read


def _one_reader(field: FieldDescriptor) -> Reader:
    if field.message_type is not None:
        scalar = SCALARS.get(field.message_type.full_name)
        return _scalar_reader(scalar.read) if scalar else _message_reader(field.message_type)
    if field.type in _INTEGERS:
        return _integer_reader(*_INTEGERS[field.type])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _scalar_reader(_bytes)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _scalar_reader(_double)
    if field.type in _PLAIN:
        return _plain_reader(*_PLAIN[field.type])
    raise TypeError(f"{field.full_name}: the codec knows no JSON form for protobuf type {field.type}")


def _message_reader(descriptor: Descriptor) -> Reader:
    if is_alternative(descriptor):
        return _alternative_reader(descriptor)
    return _recursive_reader(descriptor) if holds_itself(descriptor) else decoder(descriptor)


def _recursive_reader(descriptor: Descriptor) -> ObjectReader:
    def read(value: object, path: Path, problems: list[Cause]) -> dict[str, object]:
        if _steps(path) > MOST_STEPS:
            problems.append(Cause(path_text(path), "FieldValueInvalid", f"nested deeper than {MOST_STEPS} levels"))
            return {}
        return decoder(descriptor)(value, path, problems)

    return read


def _steps(path: Path) -> int:
    count = 0
    while path is not None:
        path, count = path[0], count + 1
    return count


def _alternative_reader(descriptor: Descriptor) -> Reader:
    """Reads what is of the JSON type of one of the fields."""
    forms = {_form(field): field for field in descriptor.fields}
    wanted = " or ".join(_FORMS[form] for form in _FORMS if form in forms)
    reader = cache(_reader)

    def read(value: object, path: Path, problems: list[Cause]) -> dict[str, object]:
        field = forms.get(type(value))
        if field is None:
            problems.append(_mismatch(path, wanted, value))
            return {}
        return {field.name: reader(field)(value, path, problems)}

    return read


_FORMS: dict[type, str] = {dict: "an object", list: "a list", bool: "a boolean"}


def _form(field: FieldDescriptor) -> type:
    if field.is_repeated:
        return list
    return dict if field.message_type is not None else bool


def _element_reader(field: FieldDescriptor) -> Reader:
    """For values of maps and lists, which cannot be absent: null is Go's zero value there, as Go's reader has it."""
    one, make = _one_reader(field), _zero(field)
    return lambda value, path, problems: make(path, problems) if value is None else one(value, path, problems)


def _zero(field: FieldDescriptor) -> Callable[[Path, list[Cause]], object]:
    if field.message_type is None:
        value = _ZEROS.get(field.type, 0)
        return lambda path, problems: value
    if field.message_type.full_name not in SCALARS and not is_alternative(field.message_type):
        read = _message_reader(field.message_type)
        return lambda path, problems: read({}, path, problems)
    quantity = field.message_type.name == "Quantity"
    return lambda path, problems: {"string": "0"} if quantity else {}


def _list_reader(one: Reader) -> Reader:
    def read(value: object, path: Path, problems: list[Cause]) -> list[object]:
        if type(value) is not list:
            problems.append(_mismatch(path, "a list", value))
            return []
        return [one(item, (path, index), problems) for index, item in enumerate(value)]

    return read


def _map_reader(one: Reader) -> Reader:
    def read(value: object, path: Path, problems: list[Cause]) -> dict[str, object]:
        if type(value) is not dict:
            problems.append(_mismatch(path, "an object", value))
            return {}
        return {key: one(item, (path, (key,)), problems) for key, item in value.items()}

    return read


def _plain_reader(wanted: type, words: str) -> Reader:
    def read(value: object, path: Path, problems: list[Cause]) -> object:
        if type(value) is not wanted:
            problems.append(_mismatch(path, words, value))
        return value

    return read


def limitation(field: FieldDescriptor) -> Limits | None:
    """For a field of which Podlab does only what some values say: these, and what whoever says another is told."""
    of_type = field.containing_type
    values = LIMITED.get(of_type.full_name, {}).get(field.name) if of_type is not None else None
    if values is None:
        return None
    choices = " or ".join(f'"{value}"' if type(value) is str else str(value).lower() for value in values if value != "")
    return values, f"{_REMOVE}, or set it to {choices}" if choices else _REMOVE


def _limited_reader(one: Reader, limits: Limits) -> Reader:
    values, words = limits

    def read(value: object, path: Path, problems: list[Cause]) -> object:
        before = len(problems)
        out = one(value, path, problems)
        if len(problems) == before and out not in values:
            problems.append(Cause(path_text(path), NOT_SUPPORTED, words))
        return out

    return read


def _integer_reader(words: str, lowest: int, highest: int) -> Reader:
    def read(value: object, path: Path, problems: list[Cause]) -> object:
        if type(value) is not int or not lowest <= value <= highest:
            problems.append(_mismatch(path, words, value))
        return value

    return read


def _scalar_reader(convert: Callable[[object], object]) -> Reader:
    def read(value: object, path: Path, problems: list[Cause]) -> object:
        try:
            return convert(value)
        except ValueError as error:
            problems.append(Cause(path_text(path), "FieldValueInvalid", str(error)))
            return None

    return read


def _double(value: object) -> float:
    if type(value) is not int and type(value) is not float:
        raise ValueError(f"expected a number, found {described(value)}")
    return float(value)


def _bytes(value: object) -> bytes:
    if type(value) is not str:
        raise ValueError(f"expected base64 in a string, found {described(value)}")
    try:
        return binascii.a2b_base64(value.replace("\n", "").replace("\r", ""), strict_mode=True)
    except ValueError as error:
        raise ValueError(f"expected base64, found {described(value)}: {error}") from error


def _mismatch(path: Path, wanted: str, found: object) -> Cause:
    quotes = wanted == "a string" and type(found) in (int, float, bool)
    hint = ": put it in quotes" if quotes else ""
    return Cause(path_text(path), "FieldValueTypeInvalid", f"expected {wanted}, found {described(found)}{hint}")
