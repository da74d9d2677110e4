"""JSON: objects one after the other, on lines or not; one object; or an array, which is one column called `array`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lakemill.classifiers.findings import Finding, MoreNeeded
from lakemill.classifiers.samples import Sample
from lakemill.classifiers.values import Fields, type_of
from lakemill.formats.hive import Type
from lakemill.formats.schemas import VOID, merged, settled

SERDE = "org.openx.data.jsonserde.JsonSerDe"
_HEAD_BYTES_MAX = 8 << 20
DAMAGED_MAX = 100
_BLANKS = re.compile(r"[ \t\r\n]*")
_ARRAY_END = re.compile(r"\s*,?\s*(?:\Z|\](?:[ \t]*(?:\Z|[\r\n])))|\s*,")
"""What follows the last element that was read: the array's end and no more on its line, or that of the text."""
_STEP = re.compile(r"\.([A-Za-z_][\w\-]*)|\[\*\]|\[(\d+)\]|\['([^']+)'\]")
_DECODER = json.JSONDecoder()
Path = list[str | int | None]
"""Steps into a document: a field, an element, or None for all elements."""


class _CutOff(Exception):
    """The text ends in the middle of a document."""


def built_in(sample: Sample) -> Finding | None:
    """By `{` or `[` at the beginning, and that what follows is JSON."""
    text = sample.text
    if text is None or text.lstrip()[:1] not in ("{", "["):
        return None
    if text.lstrip()[0] == "[":
        return _array(sample, text)
    fields = Fields()
    end = 0
    for value, at in _documents(sample, text):
        if not isinstance(value, dict):
            return None
        fields.add(value)
        end = at
    return _finding(sample, fields, end) if fields.records else None


def custom(sample: Sample, path: Path) -> Finding | None:
    """By a JSON path: the columns are the fields of the objects it selects."""
    text = sample.text
    if text is None or text.lstrip()[:1] not in ("{", "["):
        return None
    fields = Fields()
    end = 0
    for value, at in _selected(sample, text, path):
        if isinstance(value, dict):
            fields.add(value)
            end = at
    return _finding(sample, fields, end) if fields.records else None


def parse_path(text: str) -> Path:
    """The steps of a JSON path. Raises ValueError.

    >>> parse_path("$.items[*]")
    ['items', None]
    """
    if not text.startswith("$"):
        raise ValueError(f"JsonPath must begin with $; got {text!r}.")
    steps: Path = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if not match:
            raise ValueError(f"JsonPath {text!r} has {text[at:]!r}, which is no step: .name, ['name'], [0] or [*].")
        name, number, quoted = match.groups()
        steps.append(name or quoted or (int(number) if number is not None else None))
        at = match.end()
    return steps


def _finding(sample: Sample, fields: Fields, end: int) -> Finding:
    share = end / max(1, len(sample.text or ""))
    return Finding(
        classification="json",
        columns=fields.columns(),
        serde=SERDE,
        serde_parameters={"paths": ",".join(sorted(fields.names))},
        records=fields.records,
        bytes=sample.taken * share,
        record_bytes=end / fields.records,
    )


def _array(sample: Sample, text: str) -> Finding | None:
    element = VOID
    count, end = 0, 0
    try:
        for value, at in _elements(sample, text, text.index("[") + 1):
            element, count, end = merged(element, type_of(value)), count + 1, at
    except ValueError:
        return None
    if not count or not _ARRAY_END.match(text, end):
        return None
    return Finding(
        classification="json",
        columns=[("array", str(settled(Type("array", (element,)))))],
        serde=SERDE,
        serde_parameters={"paths": ""},
        records=1 if sample.complete else 0,
        bytes=sample.taken * end / len(text),
        record_bytes=end,
    )


def _selected(sample: Sample, text: str, path: Path) -> Iterator[tuple[Any, int]]:
    start = text.index(text.lstrip()[0])
    if text[start] == "[" and path[:1] == [None]:
        values = _elements(sample, text, start + 1)
        path = path[1:]
    else:
        values = _documents(sample, text)
    try:
        for value, end in values:
            for one in _steps(value, path):
                yield one, end
    except ValueError:
        return


def _steps(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] is None:
        for one in value if isinstance(value, list) else ():
            yield from _steps(one, path[1:])
    elif isinstance(path[0], int):
        if isinstance(value, list) and path[0] < len(value):
            yield from _steps(value[path[0]], path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _steps(value[path[0]], path[1:])


def _documents(sample: Sample, text: str) -> Iterator[tuple[Any, int]]:
    """Documents one after the other, each with where it ends. What is no JSON ends them, with none at all."""
    at, found, damaged = _after_blanks(text, 0), False, 0
    while at < len(text):
        try:
            value, at = _decoded(sample, text, at)
        except _CutOff:
            if not found:
                _more(sample)
            return
        except ValueError:
            damaged += 1
            if not found or damaged > DAMAGED_MAX:
                return
            at = _after_blanks(text, text.find("\n", at) + 1 or len(text))  # A damaged line among good ones.
            continue
        found = True
        yield value, at
        at = _after_blanks(text, at)


def _elements(sample: Sample, text: str, at: int) -> Iterator[tuple[Any, int]]:
    """Elements of an array as far as they are here. Raises ValueError for what is none."""
    at, found = _after_blanks(text, at), False
    while at < len(text) and text[at] != "]":
        try:
            value, at = _decoded(sample, text, at)
        except _CutOff:
            if not found:
                _more(sample)
            return
        found = True
        yield value, at
        at = _after_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        elif text[at : at + 1] not in ("]", ""):
            raise ValueError("no comma between elements")


def _decoded(sample: Sample, text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as wrong:
        # A string that is not closed is told at its beginning.
        open_string = wrong.msg.startswith("Unterminated string")
        if not sample.complete and (open_string or wrong.pos >= len(text) - 12):
            raise _CutOff from None
        raise
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _more(sample: Sample) -> None:
    """Ask for more of a file whose first document is longer than what is here."""
    if not sample.whole and len(sample.head) < _HEAD_BYTES_MAX:
        raise MoreNeeded(head=min(_HEAD_BYTES_MAX, 8 * len(sample.head)))


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at
