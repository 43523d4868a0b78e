"""Quantities are exact, and rounded up where they are counted."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.values import quantity
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


# Of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, and what follows from its rules.
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("1000m", "1"),
        ("0.5Gi", "512Mi"),
        (".5", "500m"),
        ("+1", "1"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("-2000", "-2k"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("0.5Ki", "512"),
        ("1.5Ki", "1536"),
        ("0.3Ki", "307200m"),
        ("1E3", "1e3"),
        ("12000e-3", "12"),
        ("1000e3", "1e6"),
        ("1000000000000000000", "1E"),
        ("0Mi", "0"),
        ("100Ei", "9223372036854775807"),
    ],
)
def test_the_canonical_form(text: str, written: str) -> None:
    assert quantity.canonical(text) == written
    assert quantity.canonical(written) == written


def test_amounts_of_resources_are_rounded_up_to_thousandths() -> None:
    given = ("0.1m", "1.0001", "-0.1m", "100n", "2m")
    assert [quantity.canonical(text, thousandths=True) for text in given] == ["1m", "1001m", "-1m", "1m", "2m"]
    assert quantity.canonical("0.1m") == "100u"


_TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    st.decimals(0, 10**12, allow_nan=False, places=4).map(lambda number: f"{number:f}"),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-3", "e2"]),
)


@given(_TEXTS)
def test_the_canonical_form_is_the_same_amount_and_lasting(text: str) -> None:
    written = quantity.canonical(text)
    assert quantity.parse(written) == quantity.parse(text)
    assert quantity.canonical(written) == written
    rounded = quantity.canonical(text, thousandths=True)
    assert abs(quantity.parse(rounded) - quantity.parse(text)) < Fraction(1, 1000)
    assert quantity.canonical(rounded, thousandths=True) == rounded
