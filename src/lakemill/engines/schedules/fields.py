"""One field of a cron expression: from its text to the numbers it means.

field    values           also
minutes  0-59             , - * /
hours    0-23             , - * /
days     1-31             , - * / ? L W
months   1-12 or JAN-DEC  , - * /
weekdays 1-7 or SUN-SAT   , - * / ? L #
years    1970-2199        , - * /
"""

import dataclasses
import re

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_PIECE = re.compile(r"(?:\*|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/([0-9]+))?")


class ScheduleWrong(ValueError):
    """A schedule that cannot be read. The text says where and why."""


@dataclasses.dataclass(frozen=True)
class Field:
    """What a field may hold."""

    title: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def numbers(self, text: str) -> tuple[int, ...]:
        """The numbers a text means, in order. Raises ScheduleWrong.

        >>> MINUTES.numbers("0/20,5,7-9")
        (0, 5, 7, 8, 9, 20, 40)
        """
        return tuple(sorted({number for piece in text.split(",") for number in self._piece(piece)}))

    def number(self, text: str) -> int:
        """One value, as a number or by its name. Raises ScheduleWrong."""
        if text in self.names:
            return self.names.index(text) + self.least
        if not text.isascii() or not text.isdigit() or not self.least <= int(text) <= self.most:
            raise ScheduleWrong(f"{self.title} must be from {self.least} to {self.most}; got {text}")
        return int(text)

    def _piece(self, piece: str) -> range:
        found = _PIECE.fullmatch(piece)
        if found is None:
            raise ScheduleWrong(f"{self.title} cannot be read: {piece!r}")
        first, last, step = found.groups()
        start = self.least if first is None else self.number(first)
        alone = start if first is not None and step is None else self.most
        stop = alone if last is None else self.number(last)
        if stop < start:
            raise ScheduleWrong(f"{self.title} has a range that runs backwards: {piece}")
        if step is not None and not 0 < int(step) <= self.most:
            raise ScheduleWrong(f"{self.title} has a step that is not from 1 to {self.most}: {piece}")
        return range(start, stop + 1, int(step or 1))


MINUTES = Field("Minutes", 0, 59)
HOURS = Field("Hours", 0, 23)
DAYS = Field("Day-of-month", 1, 31)
MONTH = Field("Month", 1, 12, MONTHS)
WEEKDAY = Field("Day-of-week", 1, 7, WEEKDAYS)
YEARS = Field("Year", 1970, 2199)
