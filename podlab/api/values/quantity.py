"""Kubernetes' quantities (`500m`, `64Mi`, `1e3`): parsed exactly, and printed as Kubernetes prints them."""

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from podlab.meta.v1.meta_pb2 import Quantity

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIXES = {power: suffix for suffix, power in _DECIMAL.items()}
_KIBI = 1 << 10
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_PATTERN = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]+)|(?P<suffix>[KMGTPE]i|[numkMGTPE]?))"
)
_MAX_LENGTH = 100  # longer ones are not meant as numbers, and would cost time to parse
_MAX_EXPONENT = 200  # beyond it any number of _MAX_LENGTH digits is over the bound or under a billionth
_MAX = 2**63 - 1  # Kubernetes caps there
_NANO = 10**9  # and rounds up to that part


def parse(quantity: Quantity | str) -> Fraction:
    """The exact number; ValueError when it is not a quantity."""
    return _parse(quantity if isinstance(quantity, str) else quantity.string)


def millis(quantity: Quantity | str) -> int:
    """In thousandths, rounded up: how processors are counted."""
    return _away_from_zero(parse(quantity) * 1000)


def value(quantity: Quantity | str) -> int:
    """In whole units, rounded up: how bytes and pods are counted."""
    return _away_from_zero(parse(quantity))


@lru_cache(maxsize=4096)
def canonical(text: str, *, thousandths: bool = False) -> str:
    """As Kubernetes writes the amount: no digits after a point, and the largest unit of the family that was written.

    1000m is 1, 0.5Gi is 512Mi, 1000 is 1k. With `thousandths` rounded up to these, as amounts of resources are.
    ValueError when it is not a quantity.
    """
    number = _parse(text)
    if thousandths:
        number = Fraction(_away_from_zero(number * 1000), 1000)
    if number == 0:
        return "0"
    if text[-1] == "i" and number.denominator == 1 and abs(number) >= _KIBI:
        return format_bytes(number.numerator)
    power = next(power for power in range(18, -12, -3) if _is_whole(number, power))
    mantissa = number / Fraction(10) ** power
    if "e" in text or ("E" in text and text[-1] not in "Ei"):
        return f"{mantissa}e{power}" if power else str(mantissa)
    return f"{mantissa}{_DECIMAL_SUFFIXES[power]}"


def format_millis(amount: int) -> str:
    """1500 is `1500m`, 2000 is `2`."""
    return canonical(f"{amount}m")


def format_bytes(amount: int) -> str:
    """The largest binary unit that divides the amount: 65536 is `64Ki`."""
    for suffix, power in reversed(_BINARY.items()):
        if amount and amount % (1 << power) == 0:
            return f"{amount >> power}{suffix}"
    return str(amount)


def _is_whole(number: Fraction, power: int) -> bool:
    """Whether it is an integer times that power of ten."""
    return (number / Fraction(10) ** power).denominator == 1


@lru_cache(maxsize=4096)
def _parse(text: str) -> Fraction:
    match = _PATTERN.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(
            f"{text[:_MAX_LENGTH]!r} is not a quantity: write a number with a unit, such as 500m, 2 or 64Mi"
        )
    number = Fraction(match["number"].rstrip("."))
    if match["exponent"]:
        scale = max(-_MAX_EXPONENT, min(_MAX_EXPONENT, int(match["exponent"])))
        return _bounded(number * Fraction(10) ** scale)
    suffix = match["suffix"]
    if suffix in _BINARY:
        return _bounded(number * (1 << _BINARY[suffix]))
    return _bounded(number * Fraction(10) ** _DECIMAL[suffix])


def _bounded(number: Fraction) -> Fraction:
    if abs(number) > _MAX:
        return Fraction(_MAX if number > 0 else -_MAX)
    if _NANO % number.denominator:
        return Fraction(_away_from_zero(number * _NANO), _NANO)
    return number


def _away_from_zero(number: Fraction) -> int:
    return ceil(number) if number >= 0 else floor(number)
