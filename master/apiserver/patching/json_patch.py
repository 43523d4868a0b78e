"""JSON patch, RFC 6902, with the bounds and the words of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from master.apiserver.patching.document import MOST_LEVELS, clone, levels, same, size_bytes
from podlab.api.values.jsonvalues import Json, clipped, described
from podlab.errors import BadRequest, Invalid, RequestTooLarge

MOST_OPERATIONS = 10_000
# What copies may add up to: as much as a request may be large. Each could double the document.
COPIED_BYTES = 3 << 20
_REJECTED = "the server rejected our request due to an error in our request"
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class TestFailed(Invalid):
    """A patch whose operation `test` has found another value: it is for another state of the document."""

    __test__ = False  # it is no class of pytest's


class _Failed(Exception):
    """Why an operation does not apply."""


class _TestFailed(_Failed):
    """It was a test, of what is there."""


def json_patch(document: Json, patch: Json) -> Json:
    """The document after all operations; neither is changed. Raises BadRequest, RequestTooLarge, Invalid."""
    if not isinstance(patch, list):
        raise BadRequest(f"error decoding patch: expected a list of operations, found {described(patch)}")
    if len(patch) > MOST_OPERATIONS:
        raise RequestTooLarge(f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(patch)}")
    work = _Work(clone(document))
    for number, operation in enumerate(patch):
        if not isinstance(operation, dict):
            raise BadRequest(
                f"error decoding patch: operation {number}: expected an object, found {described(operation)}"
            )
        try:
            work.apply(operation)
        except _Failed as error:
            kind = TestFailed if isinstance(error, _TestFailed) else Invalid
            raise kind(f"{_REJECTED}: operation {number}: {error}") from error
    if levels(work.document) > MOST_LEVELS:
        raise Invalid(f"{_REJECTED}: the result is nested deeper than {MOST_LEVELS} levels")
    return work.document


@dataclass(slots=True)
class _Work:
    """A document of its own, changed in place."""

    document: Json
    copied_bytes: int = field(default=0)

    def apply(self, operation: Mapping[str, Json]) -> None:
        name = operation.get("op")
        step = _OPERATIONS.get(name) if isinstance(name, str) else None
        if step is None:
            raise _Failed(f"unexpected kind: {described(name)}; it is one of {', '.join(_OPERATIONS)}")
        step(self, operation)

    def add(self, operation: Mapping[str, Json]) -> None:
        self._put("add", _pointer(operation, "path"), clone(_value(operation)))

    def remove(self, operation: Mapping[str, Json]) -> None:
        self._take("remove", _pointer(operation, "path"))

    def replace(self, operation: Mapping[str, Json]) -> None:
        path, value = _pointer(operation, "path"), clone(_value(operation))
        if not path:
            self.document = value
            return
        holder, key = self._holder("replace", path), path[-1]
        _child(holder, key, "replace", path)
        if isinstance(holder, list):
            holder[int(key)] = value
        else:
            holder[key] = value

    def move(self, operation: Mapping[str, Json]) -> None:
        source, path = _pointer(operation, "from"), _pointer(operation, "path")
        if source == path:
            self._find("move", source)
        elif path[: len(source)] == source:
            raise _Failed(f"move operation does not apply: {_text(source)} cannot move into itself, {_text(path)}")
        else:
            self._put("move", path, self._take("move", source))

    def copy(self, operation: Mapping[str, Json]) -> None:
        value = self._find("copy", _pointer(operation, "from"))
        self.copied_bytes += size_bytes(value, COPIED_BYTES)
        if self.copied_bytes > COPIED_BYTES:
            raise _Failed(
                f"unable to complete the copy, the accumulated size increase of copy is more than {COPIED_BYTES} bytes"
            )
        if levels(value) > MOST_LEVELS:
            raise _Failed(f"unable to complete the copy: it is nested deeper than {MOST_LEVELS} levels")
        self._put("copy", _pointer(operation, "path"), clone(value))

    def test(self, operation: Mapping[str, Json]) -> None:
        path, wanted = _pointer(operation, "path"), _value(operation)
        try:
            found = self._find("test", path)
        except _Failed:
            if wanted is not None:  # as Kubernetes has it, what is not there is null
                raise
            return
        if not same(wanted, found):
            raise _TestFailed(
                f"testing value {_text(path)} failed: test failed: "
                f"expected {described(wanted)}, found {described(found)}"
            )

    def _find(self, name: str, path: tuple[str, ...]) -> Json:
        value = self.document
        for key in path:
            value = _child(value, key, name, path)
        return value

    def _holder(self, name: str, path: tuple[str, ...]) -> dict[str, Json] | list[Json]:
        """What holds the last step of the path, which must be an object or a list."""
        holder = self._find(name, path[:-1])
        if not isinstance(holder, dict | list):
            raise _missing(name, path)
        return holder

    def _put(self, name: str, path: tuple[str, ...], value: Json) -> None:
        if not path:
            self.document = value
            return
        holder, key = self._holder(name, path), path[-1]
        if isinstance(holder, dict):
            holder[key] = value
            return
        index = len(holder) if key == "-" else _index(key)
        if index is None or index > len(holder):
            raise _Failed(
                f"{name} operation does not apply: {_text(path)}: no place {clipped(key)!r} in a list of {len(holder)}"
            )
        holder.insert(index, value)

    def _take(self, name: str, path: tuple[str, ...]) -> Json:
        if not path:
            raise _Failed(f"{name} operation does not apply: the whole document cannot be removed")
        holder, key = self._holder(name, path), path[-1]
        taken = _child(holder, key, name, path)
        if isinstance(holder, list):
            del holder[int(key)]
        else:
            del holder[key]
        return taken


_OPERATIONS: Mapping[str, Callable[[_Work, Mapping[str, Json]], None]] = {
    "add": _Work.add,
    "remove": _Work.remove,
    "replace": _Work.replace,
    "move": _Work.move,
    "copy": _Work.copy,
    "test": _Work.test,
}


def _pointer(operation: Mapping[str, Json], name: str) -> tuple[str, ...]:
    """The JSON pointer, RFC 6901, in a member of the operation."""
    text = operation.get(name)
    if not isinstance(text, str):
        raise _Failed(f"{name}: expected a JSON pointer as a string, found {described(text)}")
    if not text:
        return ()
    if not text.startswith("/"):
        raise _Failed(f'{name}: the JSON pointer {described(text)} does not begin with "/"')
    if _BAD_ESCAPE.search(text):
        raise _Failed(f"{name}: in the JSON pointer {described(text)} a ~ is followed by neither 0 nor 1")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def _value(operation: Mapping[str, Json]) -> Json:
    if "value" not in operation:
        raise _Failed("value: Required value")
    return operation["value"]


def _child(holder: Json, key: str, name: str, path: tuple[str, ...]) -> Json:
    """What the holder has by this key. Raises _Failed where it has nothing."""
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    index = _index(key)
    if isinstance(holder, list) and index is not None and index < len(holder):
        return holder[index]
    raise _missing(name, path)


def _index(key: str) -> int | None:
    return int(key) if _INDEX.fullmatch(key) else None


def _missing(name: str, path: tuple[str, ...]) -> _Failed:
    return _Failed(f"{name} operation does not apply: doc is missing path: {_text(path)}: missing value")


def _text(path: tuple[str, ...]) -> str:
    return '"' + clipped("".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)) + '"'
