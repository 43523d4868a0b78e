"""JSON values as patches meet them: read within bounds, copied, compared."""

from __future__ import annotations

import orjson

from podlab.api.serializer import weight
from podlab.api.values.jsonvalues import Json
from podlab.errors import BadRequest

# Objects are some 15 levels deep. The bound keeps what recurses over documents within Python's own.
MOST_LEVELS = 100
_SCALAR_BYTES = 8


def read(body: bytes) -> Json:
    """The patch that a request carries. Raises BadRequest, RequestTooLarge."""
    weight.check_json(body)
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if levels(value) > MOST_LEVELS:
        raise BadRequest(f"error decoding patch: it is nested deeper than {MOST_LEVELS} levels")
    return value


def levels(value: Json) -> int:
    """How deep it is nested, up to one more than is allowed: 0 for a scalar."""
    depth, layer = 0, _parts(value)
    while layer is not None and depth <= MOST_LEVELS:
        depth += 1
        inner = [parts for part in layer if (parts := _parts(part)) is not None]
        layer = [part for parts in inner for part in parts] if inner else None
    return depth


def size_bytes(value: Json, most: int) -> int:
    """About how large it is as JSON, counted no further than just beyond `most`."""
    size, left = 0, [value]
    while left and size <= most:
        part = left.pop()
        if isinstance(part, dict):
            size += sum(len(key) + 4 for key in part) + 2
            left.extend(part.values())
        elif isinstance(part, list):
            size += len(part) + 2
            left.extend(part)
        else:
            size += len(part) + 2 if isinstance(part, str) else _SCALAR_BYTES
    return size


def clone(value: Json) -> Json:
    """A copy that shares nothing that can change. At most as deep as is allowed."""
    if isinstance(value, dict):
        return {key: clone(part) for key, part in value.items()}
    return [clone(part) for part in value] if isinstance(value, list) else value


def same(one: Json, other: Json) -> bool:
    """Whether they are the same JSON: true is not 1, and 1 is 1.0. One of them is at most as deep as is allowed."""
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() != other.keys():
            return False
        return all(same(part, other[key]) for key, part in one.items())
    if isinstance(one, list):
        if not isinstance(other, list) or len(one) != len(other):
            return False
        return all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _parts(value: Json) -> list[Json] | None:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None
