"""Kubernetes' format: named formats that say what is wrong with a string."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from podlab.api.values import names
from podlab.cel import costs, times
from podlab.cel.declarations import Library, Overload, function, method
from podlab.cel.libraries import urls
from podlab.cel.values import ABSENT, EvaluationError, OptionalValue

Faults = list[str]
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
_DATE_LENGTH = len("2006-01-02")


@dataclass(frozen=True, slots=True)
class NamedFormat:
    """A format, by its name."""

    name: str
    check: Callable[[str], Faults] = field(compare=False)

    cel_type: ClassVar[str] = "kubernetes.NamedFormat"


def _prefix(check: Callable[[str], Faults]) -> Callable[[str], Faults]:
    """What a name may begin with, if more is put behind it: it may end with a hyphen."""
    return lambda text: check(f"{text[:-1]}a" if text.endswith("-") else text)


def _uri(text: str) -> Faults:
    try:
        urls.parse(text)
    except EvaluationError as e:
        return [str(e).removeprefix("URL parse error during conversion from string: ")]
    return []


def _uuid(text: str) -> Faults:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _byte(text: str) -> Faults:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> Faults:
    return [] if len(text) == _DATE_LENGTH and _is_instant(text) else ["invalid date"]


def _datetime(text: str) -> Faults:
    return [] if len(text) > _DATE_LENGTH and _is_instant(text) else ["invalid datetime"]


def _is_instant(text: str) -> bool:
    try:
        times.parse_instant(text)
    except EvaluationError:
        return False
    return True


_CHECKS: dict[str, Callable[[str], Faults]] = {
    "dns1123Label": names.rfc1123_label,
    "dns1123Subdomain": names.rfc1123_subdomain,
    "dns1035Label": names.rfc1035_label,
    "qualifiedName": names.qualified_name,
    "dns1123LabelPrefix": _prefix(names.rfc1123_label),
    "dns1123SubdomainPrefix": _prefix(names.rfc1123_subdomain),
    "dns1035LabelPrefix": _prefix(names.rfc1035_label),
    "labelValue": names.label_value,
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}
_FORMATS = {name: NamedFormat(name, check) for name, check in _CHECKS.items()}


def _named(name: str) -> OptionalValue:
    return OptionalValue(present=True, value=_FORMATS[name]) if name in _FORMATS else ABSENT


def _validate(named: NamedFormat, text: str) -> OptionalValue:
    faults = named.check(text)
    return OptionalValue(present=True, value=faults) if faults else ABSENT


def _constant(named: NamedFormat) -> tuple[Overload, ...]:
    return (function(NamedFormat.cel_type, lambda: named),)


LIBRARY = Library(
    functions={
        "format.named": (function(f"optional_type<{NamedFormat.cel_type}>", _named, "string"),),
        **{f"format.{name}": _constant(named) for name, named in _FORMATS.items()},
        "validate": (
            method(
                NamedFormat.cel_type,
                "optional_type<list<string>>",
                _validate,
                "string",
                cost=lambda named, text: costs.regex(text, "x" * 64),  # about as long as the longest pattern
            ),
        ),
    },
    types={NamedFormat.cel_type: NamedFormat},
)
