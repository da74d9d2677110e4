"""Data processing of a batch job: filter each record, join the answer with the record, filter the result.

One Processing handles one job. `before` turns the records of a request into the body to send; `after` turns the answer
into the bytes of the output. The original records, not the filtered ones, are joined.

Formats: `text/csv` (a row is an array of its cells as text, so filters are indexes), `application/jsonlines` (one JSON
value per line) and `application/json` (the whole object is one JSON value).
"""

import csv
import dataclasses
import io
from collections.abc import Iterable
from typing import Any

import msgspec

from lakemill.engines.hosting.batch.jsonpath import Path, PathMisses, compile_path

CSV, JSON, JSONLINES = "text/csv", "application/json", "application/jsonlines"

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class ProcessingError(ValueError):
    """A record or an answer that cannot be processed. The text is for the user."""


@dataclasses.dataclass(frozen=True)
class Processing:
    """What to do with the records of a job. Paths are JSONPath expressions, `$` for everything."""

    content_type: str
    input_filter: str = "$"
    output_filter: str = "$"
    join: bool = False
    output_key: str = "output"
    """Under which the answer is put into a JSON record when joined."""
    input_key: str = "input"
    """Under which a record goes that is no JSON object."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do, so that any content type is fine."""
        return self.input_filter.strip() == "$" and self.output_filter.strip() == "$" and not self.join

    def before(self, records: list[bytes]) -> bytes:
        """The request body for these records. Raises ProcessingError."""
        if self.input_filter.strip() == "$":
            return b"\n".join(records)
        select = compile_path(self.input_filter)
        return b"\n".join(self._filtered(select, self._parse(record, "record"), "InputFilter") for record in records)

    def after(self, records: list[bytes], answer: bytes) -> list[bytes]:
        """The results, one for each record, in order. Raises ProcessingError."""
        answers = [answer] if self.content_type == JSON else [line for line in answer.split(b"\n") if line.strip()]
        if not self.join:
            results: Iterable[Any] = (self._parse(one, "answer") for one in answers)
        elif len(answers) != len(records):
            raise ProcessingError(
                f"the model answered {len(records)} records with {len(answers)}, so they cannot be joined"
            )
        else:
            pairs = zip(records, answers, strict=True)
            results = (self._joined(self._parse(one, "record"), self._parse(other, "answer")) for one, other in pairs)
        select = compile_path(self.output_filter)
        return [self._filtered(select, result, "OutputFilter") for result in results]

    def _joined(self, record: Any, prediction: Any) -> Any:
        if self.content_type == CSV:
            return record + prediction
        if isinstance(record, dict):
            return record | {self.output_key: prediction}
        return {self.input_key: record, self.output_key: prediction}

    def _parse(self, text: bytes, what: str) -> Any:
        try:
            if self.content_type == CSV:
                return next(csv.reader([text.decode()], strict=True), [])
            return _decode(text)
        except (csv.Error, ValueError) as error:
            kind = "CSV" if self.content_type == CSV else "JSON"
            named = "input" if what == "record" else "output from the algorithm"
            raise ProcessingError(f"Failed to parse {named} as {kind}: {error}") from None

    def _filtered(self, select: Path, value: Any, name: str) -> bytes:
        try:
            found = select(value)
        except PathMisses as error:
            raise ProcessingError(f"{name} does not fit the data: {error}") from None
        if self.content_type == CSV:
            return _row(found if isinstance(found, list) else [found])
        return _encode(found)


def _row(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode()
