"""Points in time in the three forms the models name: unixtimestamp, iso8601, rfc822.

Handlers give aware datetimes; a plain number is taken as seconds since 1970.
"""

import datetime
from collections.abc import Callable
from email.utils import parsedate_to_datetime

Moment = datetime.datetime | float

UTC = datetime.UTC
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _aware(moment: Moment) -> datetime.datetime:
    if isinstance(moment, datetime.datetime):
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return datetime.datetime.fromtimestamp(moment, UTC)


def to_epoch(moment: Moment) -> float:
    """Seconds, an int when whole, to the millisecond as AWS gives them.

    >>> to_epoch(datetime.datetime(2020, 5, 18, 18, 31, 18, 123456, datetime.UTC))
    1589826678.123
    """
    seconds = moment.timestamp() if isinstance(moment, datetime.datetime) else moment
    whole = int(seconds)
    return whole if whole == seconds else round(seconds, 3)


def to_iso(moment: Moment) -> str:
    """`2020-05-18T18:31:18Z`, with milliseconds when there are any."""
    at = _aware(moment)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").removesuffix("+00:00") + "Z"


def to_iso_millis(moment: Moment) -> str:
    """`2020-05-18T18:31:18.000Z`: S3 always writes milliseconds."""
    return _aware(moment).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_http_date(moment: Moment) -> str:
    """`Mon, 18 May 2020 18:31:18 GMT`, whatever the locale."""
    at = _aware(moment)
    day = f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d}"
    return f"{day} {at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT"


def from_epoch(seconds: float) -> datetime.datetime:
    """Raises ValueError when it is beyond a datetime's range."""
    try:
        return datetime.datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from None


def from_iso(text: str) -> datetime.datetime:
    """Raises ValueError. Without an offset it is UTC."""
    at = datetime.datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def from_http_date(text: str) -> datetime.datetime:
    """RFC 1123, and the two older forms HTTP allows. Raises ValueError."""
    text = text.strip()
    try:
        # "Mon, 18 May 2020 18:31:18 GMT": every client's form, read without a general parser.
        if text.endswith(" GMT") and len(text) == 29:
            month = _MONTHS.index(text[8:11]) + 1
            return datetime.datetime(
                int(text[12:16]), month, int(text[5:7]), int(text[17:19]), int(text[20:22]), int(text[23:25]), 0, UTC
            )
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        raise ValueError(f"{text!r} is not an HTTP date") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def from_epoch_text(text: str) -> datetime.datetime:
    """Seconds in a header, a query or XML. Raises ValueError."""
    return from_epoch(float(text))


FROM_TEXT: dict[str, Callable[[str], datetime.datetime]] = {
    "unixtimestamp": from_epoch_text,
    "iso8601": from_iso,
    "rfc822": from_http_date,
}

TO_TEXT: dict[str, Callable[[Moment], str]] = {
    "unixtimestamp": lambda moment: str(to_epoch(moment)),
    "iso8601": to_iso,
    "rfc822": to_http_date,
}
