"""What a file of records is: its content type and how many features a record has. For those who start a training."""

from collections.abc import Sequence
from pathlib import Path

from lakemill.formats import content
from lakemill.formats.errors import FormatError

RECORDIO, PARQUET = "application/x-recordio-protobuf", "application/x-parquet"
LIBSVM, CSV, JSONLINES = "text/libsvm", "text/csv", "application/jsonlines"
_BY_NAME = {
    ".csv": CSV, ".pbr": RECORDIO, ".rec": RECORDIO, ".parquet": PARQUET, ".libsvm": LIBSVM, ".svm": LIBSVM,
    ".jsonl": JSONLINES,
}  # fmt: skip
_BY_START = {b"\x0a\x23\xd7\xce": RECORDIO, b"PAR1": PARQUET}


def content_type(name: str, start: bytes) -> str | None:
    """By the name's ending (before `.gz`), else by the first bytes; None if neither tells.

    >>> content_type("a/part-0.csv.gz", b""), content_type("matrix", b"PAR1")
    ('text/csv', 'application/x-parquet')
    """
    ends = [ending for ending in Path(name).suffixes if ending != ".gz"]
    return _BY_NAME.get(ends[-1] if ends else "") or _BY_START.get(start[:4])


def chosen(known: Sequence[str], found: str) -> str | None:
    """The one of an algorithm's content types that a found one is, with its parameters (`text/csv;label_size=0`).

    >>> chosen(["application/x-recordio-protobuf", "text/csv;label_size=0"], "text/csv")
    'text/csv;label_size=0'
    """
    return next((one for one in known if one.split(";")[0] == found), None)


def feature_dim(path: Path, kind: str) -> int:
    """Features of the first record of a file. Raises FormatError."""
    for block in content.iter_blocks([path], kind, 1, label_size_default=1):
        return block.features.shape[1]
    raise FormatError("the file holds no record")
