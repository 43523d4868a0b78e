"""Schedules as cron writes them: five fields, or a name such as @daily. Nothing is guessed.

As in Kubernetes: Sunday is 0 and not 7, `?` is `*`, months and days of the week have names of three letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EVERY = "@every "
_DURATION = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class _Field:
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (_Field(0, 59), _Field(0, 23), _Field(1, 31), _Field(1, 12, _MONTHS), _Field(0, 6, _DAYS))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times at which all hold: a day counts when its place in the month or in the week does, if both are given."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """Whether a star leaves the day to the other of the two fields."""


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after so long."""

    seconds: int


def parse(text: str) -> Schedule | Every:
    """Raises ValueError, which says what is wrong with it."""
    if text.startswith(_EVERY):
        return _every(text.removeprefix(_EVERY).strip())
    if text.startswith("@"):
        if text not in _DESCRIPTORS:
            raise ValueError(f"unrecognized descriptor: {text}")
        text = _DESCRIPTORS[text]
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"expected exactly 5 fields, found {len(parts)}: {parts}")
    minutes, hours, days, months, weekdays = (_values(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    return Schedule(minutes, hours, days, months, weekdays, any_day=_has_star(parts[2]) or _has_star(parts[4]))


def _every(text: str) -> Every:
    match = _DURATION.fullmatch(text)
    parts = match.groupdict(default="0") if match is not None else {}
    seconds = int(parts.get("hours", 0)) * 3600 + int(parts.get("minutes", 0)) * 60 + int(parts.get("seconds", 0))
    if seconds < 1:
        raise ValueError(f"failed to parse duration {text!r}: a time of a second or more, such as 1h30m")
    return Every(seconds)


def _has_star(part: str) -> bool:
    return any(one.partition("/")[0] in ("*", "?") for one in part.split(","))


def _values(part: str, field: _Field) -> frozenset[int]:
    return frozenset(number for one in part.split(",") for number in _range(one, field))


def _range(text: str, field: _Field) -> range:
    bounds, slash, step_text = text.partition("/")
    if "/" in step_text:
        raise ValueError(f"too many slashes: {text}")
    step = _number(step_text, ()) if slash else 1
    if step < 1:
        raise ValueError(f"step of range should be a positive number: {text}")
    first, last = _bounds(bounds, field, text, open_ended=bool(slash))
    if first < field.low:
        raise ValueError(f"beginning of range ({first}) below minimum ({field.low}): {text}")
    if last > field.high:
        raise ValueError(f"end of range ({last}) above maximum ({field.high}): {text}")
    if first > last:
        raise ValueError(f"beginning of range ({first}) beyond end of range ({last}): {text}")
    return range(first, last + 1, step)


def _bounds(bounds: str, field: _Field, text: str, *, open_ended: bool) -> tuple[int, int]:
    """First and last; a single number with a step goes on to the end."""
    if bounds in ("*", "?"):
        return field.low, field.high
    begin, hyphen, end = bounds.partition("-")
    if "-" in end:
        raise ValueError(f"too many hyphens: {text}")
    first = _number(begin, field.names)
    if hyphen:
        return first, _number(end, field.names)
    return first, field.high if open_ended else first


def _number(text: str, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        # Names stand for 1 to 12, or 0 to 6.
        return names.index(text.lower()) + (names is _MONTHS)
    if not text.isascii() or not text.isdecimal() or len(text) > 4:
        raise ValueError(f"failed to parse int from {text!r}")
    return int(text)
