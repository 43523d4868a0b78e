"""JSONPath as kubectl and CustomResourceDefinitions write it: `.spec.replicas`, `.conditions[?(@.type=="Ready")]`.

https://kubernetes.io/docs/reference/kubectl/jsonpath/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from podlab.api.values.jsonvalues import Json

Find = Callable[[Json], Iterator[Json]]
"""The values that a path leads to; what is missing on the way leads nowhere."""

_STEP = re.compile(
    r"""
      \.\.(?P<deep>[^\.\[\s'"]+)
    | \.?\[\s*(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]
    | \.?\[\s*\?\((?P<filter>.*?)\)\s*\]
    | \.?\[\s*(?P<index>-?\d+)\s*\]
    | \.?\[\s*(?P<from>-?\d*)\s*:\s*(?P<to>-?\d*)\s*\]
    | \.?(?P<all>\[\s*\*\s*\]|\*)
    | \.(?P<name>(?:[^\.\[\\]|\\.)+)
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*)?")
_COMPARED: Mapping[str, Callable[[Json, Json], bool]] = {
    "==": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


@lru_cache(maxsize=4096)
def compiled(path: str) -> Find:
    """What finds the values at a path. Raises ValueError for what is no path."""
    steps, position = [], 0
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if text and text[0] not in ".[":
        text = f".{text}"
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or match.end() == position:
            raise ValueError(f'"{path}" is no JSON path: cannot understand "{text[position:]}"')
        steps.append(_step(match))
        position = match.end()
    return lambda value: _found(steps, value)


def first(path: str, value: Json) -> Json:
    """The first value at a path; None when there is none. Raises ValueError for what is no path."""
    return next(compiled(path)(value), None)


def _found(steps: list[Find], value: Json) -> Iterator[Json]:
    values: Iterable[Json] = (value,)
    for step in steps:
        values = [found for one in values for found in step(one)]
    return iter(values)


def _step(match: re.Match[str]) -> Find:
    if match["name"] is not None:
        return _member(re.sub(r"\\(.)", r"\1", match["name"]))
    if match["quoted"] is not None:
        return _member(re.sub(r"\\(.)", r"\1", match["quoted"][1:-1]))
    if match["filter"] is not None:
        return _filtered(match["filter"])
    if match["index"] is not None:
        return _item(int(match["index"]))
    if match["all"] is not None:
        return _all
    if match["deep"] is not None:
        return _anywhere(match["deep"])
    part = slice(*(int(bound) if bound else None for bound in (match["from"], match["to"])))
    return lambda value: iter(value[part] if isinstance(value, list) else ())


def _member(name: str) -> Find:
    def find(value: Json) -> Iterator[Json]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return find


def _item(index: int) -> Find:
    def find(value: Json) -> Iterator[Json]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return find


def _all(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _anywhere(name: str) -> Find:
    def find(value: Json) -> Iterator[Json]:
        if isinstance(value, dict) and name in value:
            yield value[name]
        for part in _all(value):
            yield from find(part)

    return find


def _filtered(text: str) -> Find:
    """Items of a list that a condition takes: `@.type=="Ready"`, or `@.name` for those that have one."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise ValueError(f'cannot understand the filter "{text}"')
    inner = compiled(match["path"])
    if match["sign"] is None:
        return lambda value: (item for item in _all(value) if next(inner(item), None) is not None)
    compare, wanted = _COMPARED[match["sign"]], _literal(match["value"])

    def takes(item: Json) -> bool:
        found = next(inner(item), None)
        try:
            return found is not None and compare(found, wanted)
        except TypeError:  # what is of two types has no order
            return False

    return lambda value: (item for item in _all(value) if takes(item))


def _literal(text: str) -> Json:
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if re.search(r"[.eE]", text) else int(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is neither text in quotes, a number, nor true or false') from error
