import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.values import cron
from podlab.api.values.cron import Every, Schedule


def test_a_schedule_is_the_values_of_its_five_fields() -> None:
    assert cron.parse("*/20 1-3,5 1 jan,Dec mon-wed") == Schedule(
        minutes=frozenset({0, 20, 40}),
        hours=frozenset({1, 2, 3, 5}),
        days=frozenset({1}),
        months=frozenset({1, 12}),
        weekdays=frozenset({1, 2, 3}),
        any_day=False,
    )


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("5/20 * * * *", {5, 25, 45}), ("10-20/5 * * * *", {10, 15, 20}), ("? * * * *", {*range(60)})],
)
def test_steps_go_on_to_the_end_of_the_range(text: str, minutes: set[int]) -> None:
    parsed = cron.parse(text)
    assert isinstance(parsed, Schedule)
    assert parsed.minutes == minutes


@pytest.mark.parametrize(
    ("name", "text"), [("@daily", "0 0 * * *"), ("@hourly", "0 * * * *"), ("@weekly", "0 0 * * 0")]
)
def test_a_name_stands_for_a_schedule(name: str, text: str) -> None:
    assert cron.parse(name) == cron.parse(text)


def test_every_is_a_duration() -> None:
    assert cron.parse("@every 1h30m5s") == Every(5405)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected exactly 5 fields, found 0"),
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("* * * * * *", "expected exactly 5 fields, found 6"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("a * * * *", "failed to parse int from 'a'"),
        ("-1 * * * *", "failed to parse int from ''"),
        ("* * * jan- *", "failed to parse int from ''"),
        ("@never", "unrecognized descriptor: @never"),
        ("@every soon", "failed to parse duration 'soon'"),
        ("@every", "unrecognized descriptor: @every"),
        ("@every 0s", "failed to parse duration '0s'"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        cron.parse(text)


@given(st.text(alphabet="0123456789*/-,?@ jan\u0663", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = cron.parse(text)
    except ValueError:
        return
    assert isinstance(parsed, Schedule | Every)
