"""What calls of functions may cost at most, and how large their results may be, by how large their arguments may be.

What a function is not known for costs 1, and of its result nothing is known.
Source: functionCost in cel-go's checker/cost.go, and Kubernetes' apiserver/pkg/cel/library/cost.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from podlab.cel.costs import AUTHORIZATION_CHECK
from podlab.cel.estimation.sizes import UNKNOWN, Size, exactly, plus, share, times

_CHARACTER: Final = 0.1
_REGEX_CHARACTER: Final = 0.25
_ADDRESS: Final = 4
"""Two addresses of 16 bytes each."""
_FORMAT_REGEX_CHARACTERS: Final = 128


@dataclass(frozen=True, slots=True)
class Given:
    """The target of a call, if it has one, and its arguments. `items` are those of a target that is a list: how large
    each may be where items are texts, and nothing otherwise; None for a target that is no list."""

    target: Size | None
    arguments: tuple[Size, ...]
    items: Size | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """`result` is None where nothing is known of it."""

    cost: int = 1
    result: Size | None = None


NOMINAL: Final = Called()
_Estimate = Callable[[Given], Called]


def called(function: str, overload: str, given: Given) -> Called:
    """One call, without its arguments' own cost."""
    estimate = _BY_OVERLOAD.get(overload) or _BY_FUNCTION.get(function)
    return estimate(given) if estimate is not None else NOMINAL


def _passes(size: Size, number: int = 1) -> int:
    """What going over all characters so often costs."""
    return share(size.most, number * _CHARACTER)


def _over_target(given: Given) -> Called:
    return Called(_passes(given.target), given.target) if given.target is not None else NOMINAL


def _formatted(given: Given) -> Called:
    return Called(_passes(given.target)) if given.target is not None else NOMINAL


def _over_first(given: Given) -> Called:
    return Called(_passes(given.arguments[0])) if given.arguments else NOMINAL


def _over_items(given: Given) -> Called:
    """Of each item, and of the characters of those that are texts."""
    if given.target is None:
        return NOMINAL
    if given.items is None:
        return Called(_passes(given.target))
    return Called(times(given.target.most, plus(1, _passes(given.items))))


def _of_second(given: Given) -> Called:
    return Called(given.arguments[1].most)


def _regex(given: Given) -> int:
    subject = given.target if given.target is not None else UNKNOWN
    return times(_passes(subject.plus(exactly(1))), share(given.arguments[0].most, _REGEX_CHARACTER))


def _matches(given: Given) -> Called:
    return Called(_regex(given)) if given.target is not None else NOMINAL


def _find(given: Given) -> Called:
    return Called(_regex(given), Size(0, given.target.most)) if given.target is not None else NOMINAL


def _contains(given: Given) -> Called:
    if given.target is None:
        return NOMINAL
    return Called(times(_passes(given.target), _passes(given.arguments[0])))


def _shorter(given: Given) -> Called:
    return Called(share(min(one.most for one in given.arguments), _CHARACTER))


def _joined(given: Given) -> Called:
    size = given.arguments[0].plus(given.arguments[1])
    return Called(_passes(size), size)


def _both_lists(given: Given) -> Called:
    return Called(1, given.arguments[0].plus(given.arguments[1]))


def _split(given: Given) -> Called:
    """Every character may become an item, unless the call says how many there may be."""
    target = given.target
    return Called(_passes(target, 2), Size(0, target.most)) if target is not None else NOMINAL


def _join(given: Given) -> Called:
    if given.target is None or given.items is None:
        return NOMINAL
    size = given.target.times(given.items)
    if given.arguments:
        between = Size(max(given.target.least - 1, 0), max(given.target.most - 1, 0))
        size = size.plus(given.arguments[0].times(between))
    return Called(_passes(size), size)


def _replace(given: Given) -> Called:
    target = given.target
    if target is None or len(given.arguments) < 2:
        return NOMINAL
    old, new = given.arguments[:2]
    if not old.least:  # what is empty is found between all characters
        most = plus(times(plus(target.most, 1), new.most), target.most)
    elif new.most <= old.least:
        most = target.most
    else:
        most = times(-(-target.most // old.least), new.most)
    return Called(_passes(target, 2), Size(0, most))


def _to_bytes(given: Given) -> Called:
    text = given.arguments[0]
    return Called(_passes(text), Size(text.least, times(text.most, 4)))


def _to_text(given: Given) -> Called:
    return Called(_passes(given.arguments[0]), Size(given.arguments[0].least // 4, given.arguments[0].most))


def _quoted(given: Given) -> Called:
    text = given.arguments[0]
    return Called(_passes(text), Size(plus(text.least, 2), plus(times(text.most, 2), 2)))


def _within(extra: int, *, is_text: bool) -> _Estimate:
    """Whether a network holds an address or a network, which may have to be read first."""
    return lambda given: Called(plus(_ADDRESS + extra, _passes(given.arguments[0]) if is_text else 0))


def _valid(given: Given) -> Called:
    each = share(_FORMAT_REGEX_CHARACTERS, _REGEX_CHARACTER)
    return Called(times(_passes(given.arguments[0]), each)) if given.arguments else NOMINAL


def _sets(factor: int) -> _Estimate:
    return lambda given: Called(plus(1, times(times(given.arguments[0].most, given.arguments[1].most), factor)))


def _check(_: Given) -> Called:
    return Called(AUTHORIZATION_CHECK)


_COMPARED: Final = ("less", "less_equals", "greater", "greater_equals")
_BY_OVERLOAD: Final[Mapping[str, _Estimate]] = {
    **{f"{order}_{kind}": _shorter for order in _COMPARED for kind in ("string", "bytes")},
    "equals": _shorter,
    "not_equals": _shorter,
    "add_string": _joined,
    "add_bytes": _joined,
    "add_list": _both_lists,
    "in_list": _of_second,
    "matches_string": _matches,
    "matches": _matches,
    "contains_string": _contains,
    "starts_with_string": _over_first,
    "ends_with_string": _over_first,
    "string_to_bytes": _to_bytes,
    "bytes_to_string": _to_text,
    "string_format": _formatted,
    "strings_quote": _quoted,
    ".containsIP(net.CIDR,net.IP)": _within(0, is_text=False),
    ".containsIP(net.CIDR,string)": _within(0, is_text=True),
    ".containsCIDR(net.CIDR,net.CIDR)": _within(3, is_text=False),
    ".containsCIDR(net.CIDR,string)": _within(3, is_text=True),
}
_BY_FUNCTION: Final[Mapping[str, _Estimate]] = {
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _over_items),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _over_target),
    **dict.fromkeys(("find", "findAll"), _find),
    "url": _over_first,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "validate": _valid,
    "check": _check,
    "sets.contains": _sets(1),
    "sets.intersects": _sets(1),
    "sets.equivalent": _sets(2),
}
