"""AWS's cron expressions: `cron(minutes hours day-of-month month day-of-week year)`, in UTC.

Sources: https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html.
"""

import dataclasses
import datetime
import itertools
import re
from collections.abc import Iterator

from lakemill.engines.schedules.days import DaysOf, days_of
from lakemill.engines.schedules.fields import HOURS, MINUTES, MONTH, YEARS, ScheduleWrong

_EXPRESSION = re.compile(r"cron\(([^()]*)\)")
MINUTE = datetime.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True)
class Cron:
    """A schedule, as numbers in order."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DaysOf
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_after(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The first time it is due after an aware moment, or None if it never is again.

        >>> parse("cron(15 12 * * ? *)").next_after(datetime.datetime(2026, 5, 1, 12, 15, tzinfo=datetime.UTC))
        datetime.datetime(2026, 5, 2, 12, 15, tzinfo=datetime.timezone.utc)
        """
        earliest = moment.astimezone(datetime.UTC).replace(second=0, microsecond=0) + MINUTE
        for day in self._days(earliest.date()):
            for hour, minute in itertools.product(self.hours, self.minutes):
                due = datetime.datetime.combine(day, datetime.time(hour, minute), datetime.UTC)
                if due >= earliest:
                    return due
        return None

    @property
    def minutes_apart_min(self) -> int:
        """The fewest minutes between two times, of one day or of days that follow each other."""
        times = [hour * 60 + minute for hour, minute in itertools.product(self.hours, self.minutes)]
        return min(later - one for one, later in itertools.pairwise([*times, times[0] + 24 * 60]))

    def _days(self, first: datetime.date) -> Iterator[datetime.date]:
        for year, month in itertools.product(self.years, self.months):
            if (year, month) < (first.year, first.month):
                continue
            days = (datetime.date(year, month, day) for day in self.days(year, month))
            yield from (day for day in days if day >= first)


def parse(text: str) -> Cron:
    """Read an expression. Raises ScheduleWrong."""
    found = _EXPRESSION.fullmatch(text.strip())
    fields = found[1].upper().split() if found else []
    if len(fields) != 6:
        raise ScheduleWrong(f"a schedule is cron(...) with six fields; got {text}")
    minutes, hours, days, months, weekdays, years = fields
    return Cron(
        text,
        MINUTES.numbers(minutes),
        HOURS.numbers(hours),
        days_of(days, weekdays),
        MONTH.numbers(months),
        YEARS.numbers(years),
    )
