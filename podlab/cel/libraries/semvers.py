"""Kubernetes' semver(): versions as https://semver.org/ 2.0.0 writes and orders them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from podlab.cel import costs
from podlab.cel.declarations import Library, function, method
from podlab.cel.values import EvaluationError

_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_FORM = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?")
_LOOSE = re.compile(r"v?([0-9]{1,19})(?:\.([0-9]{1,19}))?(?:\.([0-9]{1,19}))?((?:[-+].*)?)", re.DOTALL)

_Rank = tuple[int, int, int, tuple[tuple[int, int, str], ...]]
_RELEASE = ((2, 0, ""),)  # above every pre-release


@dataclass(frozen=True, slots=True, eq=True)
class SemverValue:
    """A version; what is behind its + does not count."""

    rank: _Rank

    cel_type: ClassVar[str] = "kubernetes.Semver"


def parse(text: str, normalize: bool = False) -> SemverValue:
    """`normalize` adds what is missing, and takes off a v and leading zeros. Raises EvaluationError."""
    match = _FORM.fullmatch(_normalized(text) if normalize else text)
    before = match[4].split(".") if match and match[4] else []
    if match is None or any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in before):
        raise EvaluationError(f'Semver parse error during conversion from string: invalid version "{text}"')
    identifiers = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before)
    return SemverValue((int(match[1]), int(match[2]), int(match[3]), identifiers or _RELEASE))


def _normalized(text: str) -> str:
    match = _LOOSE.fullmatch(text)
    if match is None:
        return text
    numbers = ".".join(str(int(part or "0")) for part in match.groups()[:3])
    return numbers + match[4]


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        parse(text, normalize)
    except EvaluationError:
        return False
    return True


def _compare(one: SemverValue, other: SemverValue) -> int:
    return (one.rank > other.rank) - (one.rank < other.rank)


_SEMVER = SemverValue.cel_type

LIBRARY = Library(
    functions={
        "semver": (
            function(_SEMVER, parse, "string", cost=costs.first),
            function(_SEMVER, parse, "string", "bool", cost=costs.first),
        ),
        "isSemver": (
            function("bool", _is_semver, "string", cost=costs.first),
            function("bool", _is_semver, "string", "bool", cost=costs.first),
        ),
        "major": (method(_SEMVER, "int", lambda one: one.rank[0]),),
        "minor": (method(_SEMVER, "int", lambda one: one.rank[1]),),
        "patch": (method(_SEMVER, "int", lambda one: one.rank[2]),),
        "isGreaterThan": (method(_SEMVER, "bool", lambda one, other: one.rank > other.rank, _SEMVER),),
        "isLessThan": (method(_SEMVER, "bool", lambda one, other: one.rank < other.rank, _SEMVER),),
        "compareTo": (method(_SEMVER, "int", _compare, _SEMVER),),
    },
    types={_SEMVER: SemverValue},
)
