"""What a step costs, in the units of cel-go and Kubernetes: about one for an access to a field.

A character of a string costs a tenth, four characters of a regular expression cost as much as one pass over the text.
Sources: cel-go interpreter/runtimecost.go, Kubernetes apiserver/pkg/cel/library/cost.go.
"""

from __future__ import annotations

LIST_CREATION = 10
MAP_CREATION = 30
OBJECT_CREATION = 40
AUTHORIZATION_CHECK = 350_000


def size(value: object) -> int:
    """Characters, bytes, items or entries; 1 for all else."""
    return len(value) if isinstance(value, str | bytes | list | dict) else 1


def traversal(characters: int) -> int:
    """One pass over so many characters."""
    return -(-characters // 10)


def nominal(*_: object) -> int:
    """The same whatever the values."""
    return 1


def first(*values: object) -> int:
    """One pass over the first argument."""
    return traversal(size(values[0]))


def first_twice(*values: object) -> int:
    """A pass over the first argument, and one to build the result."""
    return traversal(2 * size(values[0]))


def shorter(*values: object) -> int:
    """A pass over the shorter of two: comparisons."""
    return traversal(min(size(values[0]), size(values[1])))


def both(*values: object) -> int:
    """A pass over both: concatenation of strings."""
    return traversal(size(values[0]) + size(values[1]))


def product(*values: object) -> int:
    """Each position of one against the other: contains()."""
    return traversal(size(values[0])) * traversal(size(values[1]))


def regex(*values: object) -> int:
    """A text against a regular expression."""
    return traversal(1 + size(values[0])) * -(-size(values[1]) // 4)


def items_of_second(*values: object) -> int:
    """Each item of the second: `in`. A key of a map is looked up."""
    return size(values[1]) if isinstance(values[1], list) else 1


def items_product(*values: object) -> int:
    """Each item of one list against each of the other: sets."""
    return 1 + size(values[0]) * size(values[1])


def all_of_first(*values: object) -> int:
    """A pass over the first argument and all that it holds."""
    return _deep(values[0])


def _deep(value: object) -> int:
    if isinstance(value, list):
        return sum(_deep(item) for item in value)
    if isinstance(value, dict):
        return sum(_deep(key) + _deep(item) for key, item in value.items())
    return traversal(size(value)) if isinstance(value, str | bytes) else 1


def all_of_both(*values: object) -> int:
    """A pass over both arguments and all that they hold: format()."""
    return sum(_deep(value) for value in values)
