"""Times as Kubernetes writes them and kubectl ages them."""

from datetime import UTC, datetime, timedelta

import pytest

from podlab.api.values import times
from podlab.meta.v1.meta_pb2 import MicroTime, Time

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_times_are_written_in_utc_to_the_second_or_the_microsecond() -> None:
    assert times.text(times.from_datetime(NOON.replace(microsecond=999_999))) == "2030-01-01T12:00:00Z"
    assert times.micro_text(times.micro_from_datetime(NOON.replace(microsecond=42))) == "2030-01-01T12:00:00.000042Z"


def test_a_time_survives_the_way_there_and_back() -> None:
    assert times.to_datetime(times.from_datetime(NOON)) == NOON
    assert times.parse(times.text(times.from_datetime(NOON))) == NOON
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    assert times.to_datetime(times.micro_from_datetime(before_1970)) == before_1970


def test_a_time_without_zone_or_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        times.from_datetime(datetime(2030, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        times.text(Time(seconds=10**15))


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=0), "0s"),
        (timedelta(seconds=-1), "0s"),
        (timedelta(seconds=-5), "<invalid>"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=5, seconds=10), "5m10s"),
        (timedelta(minutes=10, seconds=10), "10m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=3, minutes=5), "3h5m"),
        (timedelta(hours=47, minutes=59), "47h"),
        (timedelta(days=2, hours=4), "2d4h"),
        (timedelta(days=8), "8d"),
        (timedelta(days=730), "2y"),
        (timedelta(days=2 * 365 + 10), "2y10d"),
        (timedelta(days=9 * 365), "9y"),
    ],
)
def test_ages_have_two_units_at_most(past: timedelta, shown: str) -> None:
    assert times.age(times.from_datetime(NOON - past), NOON) == shown


def test_the_age_of_an_absent_time_is_unknown() -> None:
    assert times.age(Time(), NOON) == "<unknown>"
    assert times.age(MicroTime(), NOON) == "<unknown>"


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [(0, "0s"), (15_250_000_000, "15.25s"), (90 * 10**9, "1m30s"), (3600 * 10**9, "1h0m0s"), (-(10**9), "-1s")],
)
def test_durations_are_written_as_go_writes_them_and_read_back(nanoseconds: int, shown: str) -> None:
    assert times.duration_text(nanoseconds) == shown
    assert times.parse_duration(shown) == nanoseconds


@pytest.mark.parametrize("text", ["", "-", "1", "s", "1d", "1s1m", "1 s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        times.parse_duration(text)
