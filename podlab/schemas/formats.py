"""What the formats of strings mean: those that Kubernetes checks. Others say something to people alone.

Source: https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/apiserver/validation/formats.go
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Final

_DIGITS: Final = "0123456789"
_NUMERIC: Final[Mapping[str, tuple[str, ...]]] = {"integer": ("int32", "int64"), "number": ("float", "double")}


def checked(name: str, type_: str) -> str:
    """The name, if it is checked of values of the type (empty for any); else nothing."""
    known = _FORMATS if type_ in ("", "string") else _NUMERIC.get(type_, ())
    return name if _plain(name) in known else ""


def fits(name: str, text: str) -> bool:
    """Whether the text has the format. One that is not checked fits all."""
    check = _FORMATS.get(_plain(name))
    return check is None or check(text)


def _plain(name: str) -> str:
    """date-time is datetime."""
    return name.replace("-", "")


def _by(pattern: str, flags: re.RegexFlag = re.ASCII) -> Callable[[str], bool]:
    """A check by a pattern that takes time in proportion to the text. It is compiled when a text is first checked: that
    of email takes as long as a twentieth of the server's start."""

    @cache
    def compiled() -> re.Pattern[str]:
        return re.compile(pattern, flags)

    return lambda text: compiled().fullmatch(text) is not None


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"(?:[^@/?]*@)?(?:\[[0-9A-Fa-f:.%]+\]|[^\s\"<>\\^`{|}\[\]:]*)(?::\d*)?")


def _is_uri(text: str) -> bool:
    """An absolute address, or an absolute path."""
    if not text or _CONTROL.search(text):
        return False
    if text == "*":
        return True
    scheme = _SCHEME.match(text)
    rest = (text[scheme.end() :] if scheme else text).partition("?")[0]
    if not rest.startswith("/"):
        return scheme is not None
    authority, path = "", rest
    if rest.startswith("//") and scheme:
        authority, slash, behind = rest[2:].partition("/")
        path = slash + behind
    return _AUTHORITY.fullmatch(authority) is not None and not _BAD_ESCAPE.search(path)


# Possessive throughout (*+, ++): what a part has taken it does not give back, so that no text takes long.
_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]++"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\t -~])*+"'
_NAME = rf"(?:{_ATOM}|{_QUOTED}|[. \t])*+"
_ADDRESS = rf"(?:{_ATOM}(?:\.{_ATOM})*+|{_QUOTED})@(?:{_ATOM}(?:\.{_ATOM})*+|\[[!-Z^-~]*+\])"
_is_email = _by(rf"[ \t]*+(?:{_ADDRESS}|{_NAME}<{_ADDRESS}>)[ \t]*+(?:\([^()]*+\)[ \t]*+)?", re.RegexFlag(0))
"""An address, with or without a name before it: Ann <ann@example.com>."""


_HOSTNAME = re.compile(r"x(?:-?x{0,62})?|(?:x(?:[x-]{0,61}x)?\.)+x(?:-?x){1,62}")
_MOST_HOSTNAME_BYTES, _MOST_LABEL_BYTES = 255, 63


def _is_hostname(text: str) -> bool:
    """As RFC 1034 has them, letters and symbols of all languages included."""
    if len(text.encode()) > _MOST_HOSTNAME_BYTES:
        return False
    if not _HOSTNAME.fullmatch("".join(_kind_in_hostname(letter) for letter in text)):
        return False
    return all(len(label.encode()) <= _MOST_LABEL_BYTES for label in text.split("."))


def _kind_in_hostname(letter: str) -> str:
    """x for letters, digits and symbols."""
    if letter in "-.":
        return letter
    return "x" if letter in _DIGITS or unicodedata.category(letter)[0] in "LS" else " "


def _is_address(text: str, mark: str) -> bool:
    """An address of IP, written with the mark: a dot or a colon."""
    if mark not in text or "%" in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    """A network; bits of the host may be set."""
    address, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdigit() or "%" in address:
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


_MAC_BYTES = (6, 8, 20)
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2})*")
_MAC_DOTTED = re.compile(r"[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4})+")


def _is_mac(text: str) -> bool:
    """A hardware address of 6, 8 or 20 bytes."""
    if _MAC.fullmatch(text):
        return (len(text) + 1) // 3 in _MAC_BYTES
    return _MAC_DOTTED.fullmatch(text) is not None and (len(text) + 1) // 5 * 2 in _MAC_BYTES


_ISBN_MARKS = re.compile(r"[\s-]+")


def _is_isbn10(text: str) -> bool:
    digits = _ISBN_MARKS.sub("", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    return sum((index + 1) * (10 if digit == "X" else int(digit)) for index, digit in enumerate(digits)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = _ISBN_MARKS.sub("", text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(digit) * (1 + index % 2 * 2) for index, digit in enumerate(digits)) % 10 == 0


_CARD = re.compile(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9]{2})[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11}"
)


def _is_credit_card(text: str) -> bool:
    digits = re.sub(r"[^0-9]+", "", text)
    if not _CARD.fullmatch(digits):
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return text.startswith("0000-") and _is_date("2000" + text[4:])  # Go has a year 0, and so a leap year
    return True


def _is_date_time(text: str) -> bool:
    day, separator, clock = text.lower().partition("t")
    found = _CLOCK.fullmatch(clock)
    if not separator or found is None or not _is_date(day):
        return False
    hour, minute, second = found.groups()
    return hour <= "23" and minute <= "59" and second <= "59"


_NUMBER = r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)"
_GO_DURATION = _by(rf"[+-]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)", re.RegexFlag(0))
_SPAN = re.compile(r"([0-9]+)\s*([A-Za-zµ]+)\s*")
_UNITS = frozenset(("ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"))
_UNIT_STARTS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")


def _is_duration(text: str) -> bool:
    """As Go writes it (1m30s), or in words: 3 days."""
    if _GO_DURATION(text):
        return True
    place, is_known = len(text) - len(text.lstrip()), False
    while place < len(text):
        found = _SPAN.match(text, place)
        if found is None:
            return False
        unit = found[2].lower()
        is_known = is_known or unit in _UNITS or unit.startswith(_UNIT_STARTS)
        place = found.end()
    return is_known


_HEX4, _HEX12 = "[0-9a-f]{4}", "[0-9a-f]{12}"
_IGNORE_CASE = re.IGNORECASE | re.ASCII
_VARIANT = "[89ab][0-9a-f]{3}"
_COLOR = r"\s*(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*"
_SHORT_NAME = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_is_short_name, _is_long_name = _by(_SHORT_NAME), _by(rf"{_SHORT_NAME}(?:\.{_SHORT_NAME})*")

_FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "bsonobjectid": _by("[0-9A-Fa-f]{24}"),
    "uri": _is_uri,
    "email": _is_email,
    "hostname": _is_hostname,
    "ipv4": lambda text: _is_address(text, "."),
    "ipv6": lambda text: _is_address(text, ":"),
    "cidr": _is_cidr,
    "mac": _is_mac,
    "uuid": _by(rf"[0-9a-f]{{8}}-?{_HEX4}-?{_HEX4}-?{_HEX4}-?{_HEX12}", _IGNORE_CASE),
    "uuid3": _by(rf"[0-9a-f]{{8}}-?{_HEX4}-?3[0-9a-f]{{3}}-?{_HEX4}-?{_HEX12}", _IGNORE_CASE),
    "uuid4": _by(rf"[0-9a-f]{{8}}-?{_HEX4}-?4[0-9a-f]{{3}}-?{_VARIANT}-?{_HEX12}", _IGNORE_CASE),
    "uuid5": _by(rf"[0-9a-f]{{8}}-?{_HEX4}-?5[0-9a-f]{{3}}-?{_VARIANT}-?{_HEX12}", _IGNORE_CASE),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_credit_card,
    "ssn": lambda text: (
        len(text) == len("123-45-6789") and re.fullmatch(r"\d{3}[- ]?\d{2}[- ]?\d{4}", text) is not None
    ),
    "hexcolor": _by("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _by(rf"rgb\({_COLOR},{_COLOR},{_COLOR}\)"),
    "byte": _by("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"),
    "password": lambda _: True,
    "date": _is_date,
    "duration": _is_duration,
    "datetime": _is_date_time,
    "quantity": _by(rf"[+-]?{_NUMBER}(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"),
    "k8sshortname": lambda text: len(text) <= 63 and _is_short_name(text),
    "k8slongname": lambda text: len(text) <= 253 and _is_long_name(text),
}
"""The check of each, by its name without dashes."""
