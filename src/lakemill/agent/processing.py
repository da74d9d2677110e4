"""What the agent does to a record before it is sent: `dataProcessingOptions`, applied in order.

SINGLELINE joins the lines of a record; CSVTOJSON and LOGTOJSON make a JSON object of it, ending in a newline. A log
line that does not match its format is left out, as AWS's agent does.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.agent.logformats import LOG_FORMATS

Step = Callable[[bytes], bytes | None]


class ProcessingError(ValueError):
    """An option cannot be used. The text names it."""


class Processing:
    """A chain of steps. An empty one leaves records as they are."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)

    @classmethod
    def of(cls, options: Any) -> "Processing":
        """From the list in a flow's configuration. Raises ProcessingError."""
        if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
            raise ProcessingError("dataProcessingOptions must be a list of objects")
        return cls([_step(one) for one in options])

    def apply(self, record: bytes) -> bytes | None:
        """The record to send, or None if it is to be left out.

        >>> Processing.of([{"optionName": "SINGLELINE"}]).apply(b"a\\n  b \\n")
        b'ab\\n'
        """
        found: bytes | None = record
        for step in self.steps:
            if found is None:
                return None
            found = step(found)
        return found


def _step(option: dict[str, Any]) -> Step:
    name = option.get("optionName")
    if name == "SINGLELINE":
        _only(option, {"optionName"})
        return _single_line
    if name == "CSVTOJSON":
        _only(option, {"optionName", "customFieldNames", "delimiter", "jsonFormat"})
        return _csv_to_json(_names(option), option.get("delimiter", ","), _printer(option))
    if name == "LOGTOJSON":
        _only(option, {"optionName", "logFormat", "matchPattern", "customFieldNames", "jsonFormat"})
        return _log_to_json(option)
    raise ProcessingError(f"optionName must be SINGLELINE, CSVTOJSON or LOGTOJSON; got {name!r}")


def _only(option: dict[str, Any], known: set[str]) -> None:
    for key in option:
        if key not in known:
            raise ProcessingError(f"{option['optionName']} has the key {key}, which this agent does not honour")


def _names(option: dict[str, Any]) -> list[str]:
    names = option.get("customFieldNames")
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        raise ProcessingError(f"{option['optionName']} needs customFieldNames, a list of names")
    return names


def _printer(option: dict[str, Any]) -> Callable[[dict[str, Any]], bytes]:
    form = option.get("jsonFormat", "COMPACT")
    if form not in ("COMPACT", "PRETTYPRINT"):
        raise ProcessingError(f"jsonFormat must be COMPACT or PRETTYPRINT; got {form!r}")
    if form == "PRETTYPRINT":
        return lambda found: json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n"
    return lambda found: json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _single_line(record: bytes) -> bytes:
    return b"".join(line.strip() for line in record.split(b"\n")) + b"\n"


def _csv_to_json(names: list[str], delimiter: str, printed: Callable[[dict[str, Any]], bytes]) -> Step:
    """Fields by position, no quoting; a missing one is null, further ones are left out."""
    delimiter = delimiter.replace("\\t", "\t")
    if not delimiter:
        raise ProcessingError("CSVTOJSON's delimiter must not be empty")

    def convert(record: bytes) -> bytes:
        fields: list[str | None] = [*record.decode("utf-8", "replace").removesuffix("\n").split(delimiter)]
        fields += [None] * (len(names) - len(fields))
        return printed(dict(zip(names, fields, strict=False)))

    return convert


def _log_to_json(option: dict[str, Any]) -> Step:
    form = option.get("logFormat")
    if form not in LOG_FORMATS:
        raise ProcessingError(f"logFormat must be one of {', '.join(LOG_FORMATS)}; got {form!r}")
    pattern, names = LOG_FORMATS[form]
    if given := option.get("matchPattern"):
        try:
            pattern = re.compile(given)
        except re.error as error:
            raise ProcessingError(f"matchPattern is no regular expression: {error}") from None
        if "customFieldNames" not in option and pattern.groups > len(names):
            raise ProcessingError(f"matchPattern has {pattern.groups} groups, {form} has {len(names)} fields")
    if "customFieldNames" in option:
        names = tuple(_names(option))
        if len(names) != pattern.groups:
            raise ProcessingError(f"customFieldNames has {len(names)} names for {pattern.groups} fields of {form}")
    printed, apache = _printer(option), "APACHE" in form

    def convert(record: bytes) -> bytes | None:
        found = pattern.fullmatch(record.decode("utf-8", "replace").removesuffix("\n"))
        if found is None:
            return None
        values = (None if apache and value == "-" else value for value in found.groups())
        return printed(dict(zip(names, values, strict=False)))

    return convert
