"""Strings: cel-go's extension of version 2, and Kubernetes' find() and findAll()."""

from __future__ import annotations

from podlab.cel import costs
from podlab.cel.declarations import Library, known, known_function, method
from podlab.cel.libraries.formatting import format_string
from podlab.cel.libraries.regexes import compiled
from podlab.cel.values import EvaluationError

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_UPPER = {lower: upper for upper, lower in _LOWER.items()}
_ESCAPES = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not 0 <= start <= len(text) and part:
        raise EvaluationError(f"index out of range: {start}")
    return text.find(part, start) if part else start


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text) and part:
        raise EvaluationError(f"index out of range: {start}")
    return text.rfind(part, 0, start + len(part)) if part else start


def _join(parts: list[object], separator: str = "") -> str:
    for part in parts:
        if not isinstance(part, str):
            raise EvaluationError("join: invalid input: list elements must be strings")
    return separator.join(part for part in parts if isinstance(part, str))


def _join_cost(parts: list[object], separator: str = "") -> int:
    written = sum(costs.size(part) for part in parts) + len(separator) * len(parts)
    return costs.traversal(2 * written)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return text.replace(old, new, limit)


def _replace_cost(text: str, old: str, new: str, limit: int = -1) -> int:
    count = text.count(old) if limit < 0 else min(limit, text.count(old))
    return costs.traversal(2 * len(text) + count * len(new))


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit == 1:
        return [text]
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit >= len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    for index in (start, last):
        if not 0 <= index <= len(text):
            raise EvaluationError(f"index out of range: {index}")
    if start > last:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _find(text: str, pattern: str) -> str:
    found = compiled(pattern).search(text)
    return str(found[0]) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found: list[str] = []
    if limit == 0:
        return found
    for match in compiled(pattern).finditer(text):
        found.append(match[0])
        if len(found) == limit:
            break
    return found


def _quote(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


LIBRARY = Library(
    functions={
        "charAt": (known("string", _char_at, "int"),),
        "indexOf": (
            known("string", _index_of, "string", cost=costs.first),
            known("string", _index_of, "string", "int", cost=costs.first),
        ),
        "lastIndexOf": (
            known("string", _last_index_of, "string", cost=costs.first),
            known("string", _last_index_of, "string", "int", cost=costs.first),
        ),
        "join": (known("list", _join, cost=_join_cost), known("list", _join, "string", cost=_join_cost)),
        "lowerAscii": (known("string", lambda text: text.translate(_LOWER), cost=costs.first),),
        "upperAscii": (known("string", lambda text: text.translate(_UPPER), cost=costs.first),),
        "trim": (known("string", str.strip, cost=costs.first),),
        "replace": (
            known("string", _replace, "string", "string", cost=_replace_cost),
            known("string", _replace, "string", "string", "int", cost=_replace_cost),
        ),
        "split": (
            known("string", _split, "string", cost=costs.first_twice),
            known("string", _split, "string", "int", cost=costs.first_twice),
        ),
        "substring": (
            known("string", _substring, "int", cost=costs.first),
            known("string", _substring, "int", "int", cost=costs.first),
        ),
        "format": (known("string", format_string, "list", cost=costs.all_of_both),),
        "strings.quote": (known_function(_quote, "string", cost=costs.first),),
        "find": (method("string", "string", _find, "string", cost=costs.regex),),
        "findAll": (
            method("string", "list<string>", _find_all, "string", cost=costs.regex),
            method("string", "list<string>", _find_all, "string", "int", cost=costs.regex),
        ),
    },
    types={},
)
