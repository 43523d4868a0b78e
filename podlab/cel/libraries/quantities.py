"""Kubernetes' quantity(): 500m, 64Mi."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from podlab.api.values import quantity
from podlab.cel import costs
from podlab.cel.declarations import Library, function, method
from podlab.cel.values import MAX_INT, MIN_INT, EvaluationError


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """An exact amount."""

    amount: Fraction

    cel_type: ClassVar[str] = "kubernetes.Quantity"


def parse(text: str) -> QuantityValue:
    """Raises EvaluationError."""
    try:
        return QuantityValue(quantity.parse(text))
    except ValueError:
        raise EvaluationError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ) from None


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except ValueError:
        return False
    return True


def _is_integer(one: QuantityValue) -> bool:
    return one.amount.denominator == 1 and MIN_INT <= one.amount <= MAX_INT


def _as_integer(one: QuantityValue) -> int:
    if not _is_integer(one):
        raise EvaluationError("cannot convert value to integer")
    return one.amount.numerator


def _compare(one: QuantityValue, other: QuantityValue) -> int:
    return (one.amount > other.amount) - (one.amount < other.amount)


_QUANTITY = QuantityValue.cel_type

LIBRARY = Library(
    functions={
        "quantity": (function(_QUANTITY, parse, "string", cost=costs.first),),
        "isQuantity": (function("bool", _is_quantity, "string", cost=costs.first),),
        "isInteger": (method(_QUANTITY, "bool", _is_integer),),
        "asInteger": (method(_QUANTITY, "int", _as_integer),),
        "asApproximateFloat": (method(_QUANTITY, "double", lambda one: float(one.amount)),),
        "sign": (method(_QUANTITY, "int", lambda one: (one.amount > 0) - (one.amount < 0)),),
        "add": (
            method(_QUANTITY, _QUANTITY, lambda one, other: QuantityValue(one.amount + other.amount), _QUANTITY),
            method(_QUANTITY, _QUANTITY, lambda one, other: QuantityValue(one.amount + other), "int"),
        ),
        "sub": (
            method(_QUANTITY, _QUANTITY, lambda one, other: QuantityValue(one.amount - other.amount), _QUANTITY),
            method(_QUANTITY, _QUANTITY, lambda one, other: QuantityValue(one.amount - other), "int"),
        ),
        "isGreaterThan": (method(_QUANTITY, "bool", lambda one, other: one.amount > other.amount, _QUANTITY),),
        "isLessThan": (method(_QUANTITY, "bool", lambda one, other: one.amount < other.amount, _QUANTITY),),
        "compareTo": (method(_QUANTITY, "int", _compare, _QUANTITY),),
    },
    types={_QUANTITY: QuantityValue},
)
