"""Which parts of what is applied have one owner as a whole: whoever applies one replaces all of it."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.values.jsonvalues import Json
from podlab.apply.structure import known
from podlab.shapes.shape import Field, List, ListType, Shape, Struct


def atomic_parts(config: Json, shape: Shape | None) -> list[str]:
    """The paths of objects and lists in the configuration that are atomic: .spec.containers[0].args"""
    return list(_atomic("", config, shape, is_atomic=False))


def _atomic(path: str, value: Json, shape: Shape | None, *, is_atomic: bool) -> Iterator[str]:
    if isinstance(value, dict):
        if is_atomic:
            yield path
        if isinstance(shape, Struct):
            for name, one in shape.fields.items():
                if name in value:
                    yield from _atomic(f"{path}.{name}", value[name], known(one.shape), is_atomic=_is_atomic(one))
    elif isinstance(value, list) and isinstance(shape, List):
        if is_atomic or shape.type is ListType.ATOMIC:
            yield path
        for index, item in enumerate(value):
            inner = known(shape.item)
            yield from _atomic(f"{path}[{index}]", item, inner, is_atomic=isinstance(inner, Struct) and inner.is_atomic)


def _is_atomic(field: Field) -> bool:
    """A field may say otherwise than its type."""
    if field.is_atomic is not None:
        return field.is_atomic
    return isinstance(field.shape, Struct) and field.shape.is_atomic
