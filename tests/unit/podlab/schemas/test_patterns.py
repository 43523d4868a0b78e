"""Regular expressions as Go has them."""

from __future__ import annotations

import pytest

from podlab.schemas import patterns


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "missing closing ): `(`"),
        ("[a", "missing closing ]: `[a`"),
        ("a)", "unexpected ): `a)`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("\\", "trailing backslash at end of expression: ``"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("\\8", "invalid escape sequence: `\\8`"),
    ],
)
def test_a_wrong_pattern_is_told_in_the_words_of_go(pattern: str, told: str) -> None:
    assert patterns.fault(pattern) == f"error parsing regexp: {told}"


@pytest.mark.parametrize("pattern", ["", "a+", r"\pL", "(?i)x", "(?P<name>a)", r"\d\s\w\b", "[[:alpha:]]", "a{1000}"])
def test_nothing_is_wrong_with_what_go_reads(pattern: str) -> None:
    assert patterns.fault(pattern) == ""


def test_a_pattern_is_found_anywhere_unless_it_says_where() -> None:
    assert patterns.found("b", "abc")
    assert not patterns.found("^b", "abc")
    assert not patterns.found("c$", "abc\n")
    assert patterns.found("^.$", "ä")


def test_no_pattern_makes_a_search_long() -> None:
    assert not patterns.found("^(a+)+$", "a" * 200_000 + "b")
    assert not patterns.found("(x+x+)+y", "x" * 200_000)


def test_a_pattern_that_needs_much_memory_is_found() -> None:
    large = rf"^(?:{'|'.join(f'[a-z]{{{count}}}[0-9]' for count in range(300, 330))})$"
    assert patterns.found(large, "a" * 320 + "1")
    assert not patterns.found(large, "a" * 299 + "1")
