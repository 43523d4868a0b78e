"""Timestamps and durations as text, and the parts of a timestamp in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from podlab.cel.values import EvaluationError, Instant, Span, checked_int

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 10**9
_MIN = -62135596800 * _SECOND
_MAX = 253402300800 * _SECOND - 1
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_UNITS = {"h": 3600 * _SECOND, "m": 60 * _SECOND, "s": _SECOND, "ms": 10**6, "us": 1000, "µs": 1000, "ns": 1}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)


def instant(nanoseconds: int) -> Instant:
    """The timestamp, which must lie in the years 1 to 9999. Raises EvaluationError."""
    if _MIN <= nanoseconds <= _MAX:
        return Instant(nanoseconds)
    raise EvaluationError("timestamp overflow")


def span(nanoseconds: int) -> Span:
    """The duration, which must have 64 bits of nanoseconds. Raises EvaluationError."""
    return Span(checked_int(nanoseconds))


def parse_instant(text: str) -> Instant:
    """RFC 3339, or a date alone. Raises EvaluationError."""
    match = _INSTANT.fullmatch(f"{text}T00:00:00Z" if len(text) == len("2006-01-02") else text)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
        offset_s = (int(match[9]) * 3600 + int(match[10]) * 60) * (1 if match[8] == "+" else -1) if match[8] else 0
    except ValueError:
        raise EvaluationError(f"invalid timestamp {_quoted(text)}") from None
    seconds = whole.days * 86400 + whole.seconds - offset_s
    return instant(seconds * _SECOND + int((match[7] or "0").ljust(9, "0")))


def parse_span(text: str) -> Span:
    """As Go writes durations: 1h30m, -1.5s, 0. Raises EvaluationError."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return Span(0)
    total, at = 0, 0
    while match := _PART.match(body, at):
        whole, _, part = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole or "0") * unit + (int(part[:18]) * unit // 10 ** len(part[:18]) if part else 0)
        at = match.end()
    if not body or at != len(body):
        raise EvaluationError(f"invalid duration {_quoted(text)}")
    return span(-total if text[0] == "-" else total)


def format_instant(value: Instant) -> str:
    """RFC 3339 in UTC, with as many digits of the second as are needed."""
    seconds, nanoseconds = divmod(value.nanoseconds, _SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text.zfill(len('2006-01-02T15:04:05'))}{_fraction(nanoseconds)}Z"


def format_span(value: Span) -> str:
    """In seconds: 5400s, 1.5s."""
    seconds, nanoseconds = divmod(abs(value.nanoseconds), _SECOND)
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(nanoseconds)}s"


def parts(value: Instant, zone: str = "UTC") -> datetime:
    """Its year, month ... in the time zone, which has a name or is an offset (+02:00). Raises EvaluationError."""
    seconds, nanoseconds = divmod(value.nanoseconds, _SECOND)
    try:
        return (_EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)).astimezone(_zone(zone))
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None


def _zone(name: str) -> tzinfo:
    if match := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if offset < timedelta(days=1):
            return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        raise EvaluationError(f"unknown time zone {name}") from None


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
