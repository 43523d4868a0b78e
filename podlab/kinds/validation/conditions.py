"""Conditions of the form that kinds share.

https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

_STATUSES = ("False", "True", "Unknown")
_REASON = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_REASON_CHARS, _MESSAGE_CHARS = 1 << 10, 32 << 10
_REASON_TOLD = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric"
    " characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or"
    " 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is"
    " '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
)


def check_conditions(found: Findings, field: str, conditions: Iterable[meta_pb2.Condition]) -> None:
    """Each type is told once."""
    told: set[str] = set()
    for index, condition in enumerate(conditions):
        where = f"{field}[{index}]"
        if condition.type in told:
            found.duplicate(f"{where}.type", condition.type)
        told.add(condition.type)
        _check_condition(found, where, condition)


def _check_condition(found: Findings, where: str, condition: meta_pb2.Condition) -> None:
    found.invalid(f"{where}.type", condition.type, *syntax.qualified_name(condition.type))
    if condition.status not in _STATUSES:
        found.unsupported(f"{where}.status", condition.status, _STATUSES)
    found.at_least(f"{where}.observedGeneration", condition.observedGeneration, 0)
    if not condition.HasField("lastTransitionTime"):
        found.required(f"{where}.lastTransitionTime", "must be set")
    if not condition.reason:
        found.required(f"{where}.reason", "must be set")
    elif _REASON.fullmatch(condition.reason) is None:
        found.invalid(f"{where}.reason", condition.reason, _REASON_TOLD)
    if len(condition.reason.encode()) > _REASON_CHARS:
        found.too_long(f"{where}.reason", _REASON_CHARS)
    if len(condition.message.encode()) > _MESSAGE_CHARS:
        found.too_long(f"{where}.message", _MESSAGE_CHARS)
