"""When schedules come due: their times after a moment, in a time zone.

A time that the clocks skip does not come; one that they show twice comes twice, as in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

from podlab.api.values.cron import Every, Schedule

# A 29th of February that is a Monday comes every 28 years, and 2100 has none.
_LOOKED_AHEAD_DAYS = 41 * 366
_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=366))


def after(schedule: Schedule | Every, moment: datetime, zone: tzinfo) -> datetime | None:
    """The first time after `moment`, in UTC; None when there is none for decades."""
    if isinstance(schedule, Every):
        return (moment + timedelta(seconds=schedule.seconds)).replace(microsecond=0)
    first = moment.astimezone(zone).date()
    for days in range(_LOOKED_AHEAD_DAYS):
        day = first + timedelta(days=days)
        if _takes(schedule, day):
            found = next(_times(schedule, day, moment, zone), None)
            if found is not None:
                return found
    return None


def due(schedule: Schedule | Every, since: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    """The last time after `since` and not after `until`; None when there is none."""
    if isinstance(schedule, Every):
        rounds = (until - since) // timedelta(seconds=schedule.seconds)
        return since + rounds * timedelta(seconds=schedule.seconds) if rounds > 0 else None
    starts = [since, *(until - window for window in reversed(_WINDOWS) if until - window > since)]
    for start in reversed(starts):
        times = list(_between(schedule, start, until, zone))
        if times:
            return times[-1]
    return None


def more_than(count: int, schedule: Schedule | Every, since: datetime, until: datetime, zone: tzinfo) -> bool:
    """Whether more than so many times lie after `since` and not after `until`."""
    return sum(1 for _ in islice(_between(schedule, since, until, zone), count + 1)) > count


def _between(schedule: Schedule | Every, since: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    moment = after(schedule, since, zone)
    while moment is not None and moment <= until:
        yield moment
        moment = after(schedule, moment, zone)


def _takes(schedule: Schedule, day: date) -> bool:
    if day.month not in schedule.months:
        return False
    in_month, in_week = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    return in_month and in_week if schedule.any_day else in_month or in_week


def _times(schedule: Schedule, day: date, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Those of a day that are after `moment`, in order: of an hour that comes twice, all of its first run first."""
    for hour in sorted(schedule.hours):
        for fold in (0, 1):
            start = datetime(day.year, day.month, day.day, hour, fold=fold, tzinfo=zone)
            if start.replace(minute=59, fold=1).astimezone(UTC) <= moment:
                continue
            for minute in sorted(schedule.minutes):
                local = start.replace(minute=minute)
                found = local.astimezone(UTC)
                if found > moment and found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                    yield found
