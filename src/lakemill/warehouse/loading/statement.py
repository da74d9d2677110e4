"""COPY, taken apart: `COPY table [(columns)] FROM 'source' authorization [[FORMAT] [AS] format] [options]`.

Options come in any order. One that is not known is a syntax error; one that cannot be honoured is refused by its name.
"""

import dataclasses

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.loading import authorization, dates
from lakemill.warehouse.loading.words import Words

COLUMNAR = ("AVRO", "PARQUET", "ORC")
MAXERROR_MAX = 100_000
_FORMATS = ("CSV", "JSON", "AVRO", "PARQUET", "ORC", "FIXEDWIDTH", "SHAPEFILE", "DELIMITER", "TEXT")
_FLAGS = (
    *("ACCEPTANYDATE", "BLANKSASNULL", "EMPTYASNULL", "ESCAPE", "EXPLICIT_IDS", "FILLRECORD", "IGNOREALLERRORS"),
    *("IGNOREBLANKLINES", "REMOVEQUOTES", "ROUNDEC", "TRIMBLANKS", "TRUNCATECOLUMNS", "NOLOAD", "MANIFEST"),
    *("SERIALIZETOJSON", "GZIP", "BZIP2", "LZOP", "ZSTD"),
)
_SWITCHES = ("COMPUPDATE", "STATUPDATE")
_REFUSED = ("READRATIO", "SSH", "ENCRYPTED", "MASTER_SYMMETRIC_KEY")
_ENCODINGS = {
    "UTF8": "utf-8",
    "UTF16": "utf-16",
    "UTF16LE": "utf-16-le",
    "UTF16BE": "utf-16-be",
    "ISO88591": "iso-8859-1",
}
_COLUMNAR_ALLOWED = {
    *("MANIFEST", "COMPUPDATE", "STATUPDATE", "EXPLICIT_IDS", "ACCEPTINVCHARS", "FILLRECORD", "SERIALIZETOJSON"),
    *("REGION", "NOLOAD", "PARQUET", "ORC"),
}
_NOT_WITH = {
    "CSV": ("FIXEDWIDTH", "REMOVEQUOTES", "ESCAPE"),
    "FIXEDWIDTH": ("DELIMITER", "CSV", "ESCAPE", "REMOVEQUOTES"),
    "JSON": (
        *("CSV", "DELIMITER", "AVRO", "ESCAPE", "FILLRECORD", "FIXEDWIDTH", "IGNOREBLANKLINES"),
        *("NULL", "READRATIO", "REMOVEQUOTES", "IGNOREHEADER"),
    ),
    "AVRO": (
        *("CSV", "DELIMITER", "JSON", "ESCAPE", "FILLRECORD", "FIXEDWIDTH", "IGNOREHEADER", "IGNOREBLANKLINES"),
        *("NULL", "REMOVEQUOTES", "GZIP", "BZIP2", "ZSTD"),
    ),
}  # fmt: skip


@dataclasses.dataclass
class Copy:
    """What a COPY says.

    table : tuple of str
        Its name, one to three parts.
    columns : list of str or None
    format : str
        TEXT, CSV, FIXEDWIDTH, JSON, AVRO, PARQUET or ORC.
    mode : str
        Of JSON and AVRO: auto, auto ignorecase, noshred, or the URI of a file of paths.
    widths : list of (name, int)
        Of FIXEDWIDTH.
    given : set of str
        Options that stand there.
    """

    table: tuple[str, ...]
    columns: list[str] | None = None
    source: str = ""
    authorization: Authorization = dataclasses.field(default_factory=Authorization)
    format: str = "TEXT"
    mode: str = ""
    widths: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    delimiter: str = ""
    quote: str = '"'
    null: str = "\\N"
    header_lines: int = 0
    date_format: str = "YYYY-MM-DD"
    time_format: str = "YYYY-MM-DD HH:MI:SS"
    encoding: str = "utf-8"
    replacement: str | None = None
    """Of ACCEPTINVCHARS; None without."""
    errors_max: int = 0
    region: str = ""
    given: set[str] = dataclasses.field(default_factory=set)

    @property
    def packing(self) -> str:
        """GZIP, BZIP2, ZSTD or empty."""
        return next((one for one in ("GZIP", "BZIP2", "ZSTD") if one in self.given), "")

    @property
    def errors_allowed(self) -> int:
        """How many rows may be left out."""
        return 1 << 62 if "IGNOREALLERRORS" in self.given else max(0, self.errors_max - 1)


def parse(text: str) -> Copy:
    """Raises SqlFailed: 42601 for what is no COPY, 0A000 and XX000 for what cannot be."""
    words = Words(text)
    words.expect("COPY")
    copy = Copy(words.qualified())
    if words.peek() == "(":
        copy.columns = words.names()
    words.expect("FROM")
    copy.source = words.string()
    found: Authorization | None = None
    while not words.ended():
        told = authorization.take(words, found)
        if told is None:
            _option(words, copy)
        found = told or found
    _check(copy)
    copy.authorization = authorization.checked(found)
    return copy


def _option(words: Words, copy: Copy) -> None:
    if words.take("FORMAT"):
        words.take("AS")
        if words.peek() not in _FORMATS:
            raise words.wrong()
    name = words.peek()
    if name in _REFUSED:
        raise SqlFailed("0A000", f"COPY with {name} is not supported")
    handler = _HANDLERS.get(name)
    if handler is None:
        raise words.wrong()
    words.take(name)
    if name in copy.given:
        raise SqlFailed("42601", "conflicting or redundant options")
    copy.given.add(name)
    handler(words, copy)


def _flag(words: Words, copy: Copy) -> None:
    return None


def _switch(words: Words, copy: Copy) -> None:
    """Neither compression nor statistics have an effect on what is loaded."""
    if words.any_of("ON", "TRUE", "OFF", "FALSE"):
        return
    words.take("PRESET")


def _format(name: str) -> None:
    def handler(words: Words, copy: Copy) -> None:
        _set_format(copy, name)

    _HANDLERS[name] = handler


def _set_format(copy: Copy, name: str) -> None:
    if copy.format not in ("TEXT", name):
        raise SqlFailed("XX000", f"{name} option is not supported with {copy.format}")
    copy.format = name


def _csv(words: Words, copy: Copy) -> None:
    _set_format(copy, "CSV")
    if words.take("QUOTE"):
        words.take("AS")
        copy.quote = _character(words.string(), "QUOTE")


def _quote(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.quote = _character(words.string(), "QUOTE")


def _delimiter(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.delimiter = _character(words.string(), "DELIMITER", 4)


def _fixed_width(words: Words, copy: Copy) -> None:
    _set_format(copy, "FIXEDWIDTH")
    words.take("AS")
    text = words.string()
    for piece in text.split(","):
        name, _, width = piece.rpartition(":")
        if not width.strip().isdecimal() or int(width) < 1:
            raise SqlFailed("XX000", f"Invalid fixedwidth specification: {text}")
        copy.widths.append((name.strip().lower(), int(width)))


def _document(name: str) -> None:
    def handler(words: Words, copy: Copy) -> None:
        _set_format(copy, name)
        words.take("AS")
        text = words.string() if words.is_string() else "auto"
        copy.mode = text if text.startswith("s3://") else " ".join(text.lower().split())
        modes = ("auto", "auto ignorecase", "noshred") if name == "JSON" else ("auto", "auto ignorecase")
        if not text.startswith("s3://") and copy.mode not in modes:
            raise SqlFailed(
                "XX000", f"Invalid {name} option: '{text}' is neither one of {', '.join(modes)} nor a file in S3"
            )

    _HANDLERS[name] = handler


def _null(words: Words, copy: Copy) -> None:
    words.take("AS")
    text = words.string()
    copy.null = {"\\0": "\0", "\\000": "\0", "\\\\N": "\\N"}.get(text, text)
    if "\n" in copy.null or copy.null == "\\n":
        raise SqlFailed("XX000", "COPY null representation cannot use a line feed")


def _header(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.header_lines = words.number()
    if copy.header_lines < 0:
        raise SqlFailed("XX000", "IGNOREHEADER must be a number of lines")


def _date_format(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.date_format = words.string()
    dates.date("field", copy.date_format)


def _time_format(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.time_format = words.string()
    dates.moment("field", copy.time_format, zone=False)


def _encoding(words: Words, copy: Copy) -> None:
    words.take("AS")
    name = words.string() if words.is_string() else words.name()
    known = _ENCODINGS.get(name.upper().replace("-", "").replace("_", ""))
    if known is None:
        raise SqlFailed("0A000", f"ENCODING {name} is not supported")
    copy.encoding = known


def _invalid_characters(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.replacement = "?"
    if words.is_string():
        text = words.string()
        if len(text) != 1 or not text.isascii() or text == "\0":
            raise SqlFailed("XX000", "ACCEPTINVCHARS needs one ASCII character that is not NUL")
        copy.replacement = text


def _errors_max(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.errors_max = words.number()
    if not 0 <= copy.errors_max <= MAXERROR_MAX:
        raise SqlFailed("XX000", f"Invalid value for MAXERROR: it must be from 0 to {MAXERROR_MAX}")


def _region(words: Words, copy: Copy) -> None:
    words.take("AS")
    copy.region = words.string()


def _rows(words: Words, copy: Copy) -> None:
    """COMPROWS: how much is looked at for compression, which is none of the rows' business."""
    if words.number() < 1:
        raise SqlFailed("XX000", "COMPROWS must be a number of rows")


def _shapefile(words: Words, copy: Copy) -> None:
    raise SqlFailed("0A000", "COPY from SHAPEFILE is not supported")


def _character(text: str, what: str, most: int = 1) -> str:
    escapes = {"\\t": "\t", "\\\\": "\\", "\\b": "\b", "\\f": "\f", "\\v": "\v"}
    text = escapes.get(text, text)
    if text.startswith("\\") and text[1:].isdecimal() and 2 <= len(text) <= 4:
        text = chr(int(text[1:], 8))
    if not text or len(text.encode()) > most or text in "\r\n":
        kind = "a single ASCII character" if most == 1 else "a character or a few, without line ends"
        raise SqlFailed("XX000", f"COPY {what.lower()} must be {kind}")
    return text


_HANDLERS = {
    **{name: _flag for name in _FLAGS},
    **{name: _switch for name in _SWITCHES},
    "CSV": _csv, "QUOTE": _quote, "DELIMITER": _delimiter, "FIXEDWIDTH": _fixed_width, "NULL": _null,
    "IGNOREHEADER": _header, "DATEFORMAT": _date_format, "TIMEFORMAT": _time_format, "ENCODING": _encoding,
    "ACCEPTINVCHARS": _invalid_characters, "MAXERROR": _errors_max, "REGION": _region, "COMPROWS": _rows,
    "SHAPEFILE": _shapefile, "TEXT": _flag,
}  # fmt: skip
_format("PARQUET")
_format("ORC")
_document("JSON")
_document("AVRO")


def _check(copy: Copy) -> None:
    for name in _NOT_WITH.get(copy.format, ()):
        if name in copy.given:
            raise SqlFailed("XX000", f"{name} option is not supported with {copy.format}")
    if copy.format in ("PARQUET", "ORC"):
        for name in sorted(copy.given - _COLUMNAR_ALLOWED):
            raise SqlFailed("0A000", f"{name} argument is not supported for {copy.format} based COPY")
    if "LZOP" in copy.given:
        raise SqlFailed("0A000", "COPY with LZOP is not supported: it cannot be unpacked here")
    if "SERIALIZETOJSON" in copy.given and copy.format not in ("PARQUET", "ORC"):
        raise SqlFailed("XX000", "SERIALIZETOJSON option is supported with PARQUET and ORC only")
    if "QUOTE" in copy.given and copy.format != "CSV":
        raise SqlFailed("XX000", "QUOTE option is supported with CSV only")
    if len([one for one in ("GZIP", "BZIP2", "ZSTD") if one in copy.given]) > 1:
        raise SqlFailed("42601", "conflicting or redundant options")
    if "IGNOREALLERRORS" in copy.given and "MAXERROR" in copy.given:
        raise SqlFailed("42601", "conflicting or redundant options: IGNOREALLERRORS and MAXERROR")
    _check_characters(copy)


def _check_characters(copy: Copy) -> None:
    copy.delimiter = copy.delimiter or ("," if copy.format == "CSV" else "|")
    if copy.format == "CSV" and copy.quote == copy.delimiter:
        raise SqlFailed("XX000", "COPY quote must not be the delimiter")
    if copy.delimiter in copy.null and copy.format in ("TEXT", "CSV"):
        raise SqlFailed("XX000", "COPY delimiter must not appear in the NULL specification")
    if copy.format == "FIXEDWIDTH" and not copy.widths:
        raise SqlFailed("XX000", "FIXEDWIDTH needs the widths of the columns")
    for one, other in (("emr://", "EMR"), ("dynamodb://", "DynamoDB"), ("ssh", "SSH")):
        if copy.source.startswith(one):
            raise SqlFailed("0A000", f"COPY from {other} is not supported: {copy.source}")
    if not copy.source.startswith("s3://"):
        raise SqlFailed("XX000", f"The source must be in S3: s3://bucket/prefix, not '{copy.source}'")
