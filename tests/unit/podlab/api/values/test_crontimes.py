from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.values import cron, crontimes

BERLIN = ZoneInfo("Europe/Berlin")
SCHEDULES = ("* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 3 * * 1-5", "0 12 13 * 5", "0 0 29 2 *")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "expected"),
    [
        ("* * * * *", "2030-01-01 10:00:00", "2030-01-01 10:01:00"),
        ("* * * * *", "2030-01-01 10:00:59", "2030-01-01 10:01:00"),
        ("*/15 * * * *", "2030-01-01 10:45:00", "2030-01-01 11:00:00"),
        ("0 0 * * *", "2029-12-31 10:00:00", "2030-01-01 00:00:00"),
        ("0 0 29 2 *", "2030-01-01 00:00:00", "2032-02-29 00:00:00"),
        ("0 0 13 * 5", "2030-01-01 00:00:00", "2030-01-04 00:00:00"),  # the 13th, or a Friday
        ("0 0 * * 0", "2030-01-01 00:00:00", "2030-01-06 00:00:00"),
        ("@every 90s", "2030-01-01 00:00:00", "2030-01-01 00:01:30"),
    ],
)
def test_the_next_time_is_the_first_that_fits(schedule: str, moment: str, expected: str) -> None:
    assert crontimes.after(cron.parse(schedule), at(moment), UTC) == at(expected)


def test_a_day_that_never_comes_has_no_time() -> None:
    assert crontimes.after(cron.parse("0 0 31 2 *"), at("2030-01-01 00:00:00"), UTC) is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param("2030-06-01 00:30:00", "2030-06-02 00:30:00", id="summer"),
        pytest.param("2030-12-01 00:00:00", "2030-12-01 01:30:00", id="winter"),
        pytest.param("2030-03-30 12:00:00", "2030-04-01 00:30:00", id="02:30 is left out on 31 March"),
        pytest.param("2030-10-26 12:00:00", "2030-10-27 00:30:00", id="02:30 comes on 27 October"),
        pytest.param("2030-10-27 00:30:00", "2030-10-27 01:30:00", id="and comes again"),
    ],
)
def test_a_time_is_that_of_its_zone(moment: str, expected: str) -> None:
    assert crontimes.after(cron.parse("30 2 * * *"), at(moment), BERLIN) == at(expected)


@given(
    schedule=st.sampled_from(SCHEDULES[:5]),
    start=st.integers(0, 365 * 1440 * 60),
    minutes=st.integers(0, 3000),
)
def test_what_is_due_is_the_last_of_the_times_that_have_come(schedule: str, start: int, minutes: int) -> None:
    begin = at("2029-12-01 00:00:00") + timedelta(seconds=start)
    end = begin + timedelta(minutes=minutes)
    parsed = cron.parse(schedule)
    times = []
    moment = crontimes.after(parsed, begin, BERLIN)
    while moment is not None and moment <= end and len(times) < 200:
        assert not times or moment > times[-1]
        times.append(moment)
        moment = crontimes.after(parsed, moment, BERLIN)
    if len(times) < 200:
        assert crontimes.due(parsed, begin, end, BERLIN) == (times[-1] if times else None)
    assert crontimes.more_than(100, parsed, begin, end, BERLIN) == (len(times) > 100)
