"""Quantities are exact, and rounded up where they are counted."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api import quantity
from podlab.meta.v1.meta_pb2 import Quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("500m", Fraction(1, 2)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+2", 2),
        ("-2k", -2000),
        ("64Mi", 64 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("12e-3", Fraction(12, 1000)),
        ("100n", Fraction(1, 10**7)),
        ("0.1n", Fraction(1, 10**9)),
        ("1e-999999999", Fraction(1, 10**9)),
        ("1e999999999", 2**63 - 1),
        ("100Ei", 2**63 - 1),
        ("0e999999999", 0),
    ],
)
def test_a_quantity_is_an_exact_number(text: str, number: Fraction | int) -> None:
    assert quantity.parse(text) == number
    assert quantity.parse(Quantity(string=text)) == number


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "1KiB", "1e", "0x10", "1,5", "--1", "1" * 101, "١"])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(text)


def test_counts_are_rounded_up_away_from_zero() -> None:
    assert quantity.millis("100u") == 1
    assert quantity.millis("1.5") == 1500
    assert quantity.value("1500m") == 2
    assert quantity.value("-1500m") == -2


@given(st.integers(0, 2**62))
def test_formatted_amounts_read_back(amount: int) -> None:
    assert quantity.millis(quantity.format_millis(amount % 10**12)) == amount % 10**12
    assert quantity.value(quantity.format_bytes(amount)) == amount


def test_amounts_are_printed_in_the_largest_unit_that_fits() -> None:
    assert [quantity.format_millis(amount) for amount in (0, 500, 2000)] == ["0", "500m", "2"]
    assert [quantity.format_bytes(amount) for amount in (0, 1000, 1024, 64 * 2**20)] == ["0", "1000", "1Ki", "64Mi"]
