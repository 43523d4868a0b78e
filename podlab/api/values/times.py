"""Time and MicroTime: from the clock, to and from text, and as an age the way kubectl prints it."""

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from podlab.meta.v1.meta_pb2 import MicroTime, Time

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"[+-]?(?:(\d{1,7})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def now() -> Time:
    """The current time, in whole seconds as Kubernetes stores it."""
    return Time(seconds=int(time.time()))


def this_second() -> Time:
    """As `now`, for who asks often: not to be changed, as all who ask within a second are given the same."""
    return _second(int(time.time()))


@lru_cache(maxsize=1)
def _second(seconds: int) -> Time:
    return Time(seconds=seconds)


def now_micro() -> MicroTime:
    nanos = time.time_ns()
    return MicroTime(seconds=nanos // 10**9, nanos=nanos % 10**9 // 1000 * 1000)


def to_datetime(when: Time | MicroTime) -> datetime:
    """ValueError when it lies outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=when.seconds, microseconds=when.nanos // 1000)
    except OverflowError as error:
        raise ValueError(f"{when.seconds} seconds since 1970 lies outside the years 1 to 9999") from error


def from_datetime(when: datetime) -> Time:
    """Fractions of a second are dropped; a time without zone is refused."""
    return Time(seconds=_seconds_since_epoch(when))


def micro_from_datetime(when: datetime) -> MicroTime:
    return MicroTime(seconds=_seconds_since_epoch(when), nanos=when.microsecond * 1000)


def is_zero(when: Time | MicroTime) -> bool:
    """True for an absent time: a message that was never set reads as zero."""
    return when.seconds == 0 and when.nanos == 0


def text(when: Time) -> str:
    """RFC 3339 with whole seconds, in UTC."""
    return _second_text(when.seconds) + "Z"


def micro_text(when: MicroTime) -> str:
    """RFC 3339 with microseconds, in UTC."""
    return f"{_second_text(when.seconds)}.{when.nanos // 1000:06d}Z"


def parse(value: str) -> datetime:
    """RFC 3339 to a time in UTC; ValueError otherwise."""
    if not _RFC3339.fullmatch(value):
        raise ValueError(f"{value!r} is not an RFC 3339 time, such as 2030-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{value!r} is not a time that exists: {error}") from error


def duration_text(nanoseconds: int) -> str:
    """A span of time as Go writes it: 1m30s, 15.25s, 0s."""
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    tail = f".{fraction:09d}".rstrip("0").rstrip(".")
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{seconds}{tail}s")
    return ("-" if nanoseconds < 0 else "") + "".join(parts)


def parse_duration(value: str) -> int:
    """Nanoseconds; ValueError for what is no span of time."""
    parts = _DURATION.fullmatch(value)
    if parts is None or not value.strip("+-"):
        raise ValueError(f"{value!r} is not a duration, such as 1m30s")
    sign = -1 if value.startswith("-") else 1
    hours, minutes, seconds = (Decimal(part or 0) for part in parts.groups())
    return sign * int((hours * 3600 + minutes * 60 + seconds) * 10**9)


def age(when: Time | MicroTime, at: datetime) -> str:
    """How long ago it was, as kubectl's AGE column has it."""
    if is_zero(when):
        return "<unknown>"
    return duration((at - to_datetime(when)).total_seconds())


def duration(seconds_s: float) -> str:
    """Two units at most, the coarser the longer it is: 90s, 5m10s, 3h, 2d4h."""
    seconds = int(seconds_s)
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    for bound, unit, name, part, part_name in (
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, _MINUTE, "m", 0, ""),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (2 * _DAY, _HOUR, "h", 0, ""),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, _DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", _DAY, "d"),
    ):
        if seconds < bound:
            rest = seconds % unit // part if part else 0
            return f"{seconds // unit}{name}" + (f"{rest}{part_name}" if rest else "")
    return f"{seconds // _YEAR}y"


def _seconds_since_epoch(when: datetime) -> int:
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    return (when - _EPOCH) // timedelta(seconds=1)


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    return to_datetime(Time(seconds=seconds)).replace(tzinfo=None).isoformat()
