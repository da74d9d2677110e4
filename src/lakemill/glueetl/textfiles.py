"""Files of other formats as Parquet, so that Spark can read them: CSV, XML, logs by grok, ORC."""

import csv as python_csv
import gzip
import io
import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from lakemill.formats.grok import Grok
from lakemill.glueetl import gluetypes, jsonfiles
from lakemill.glueetl.gluetypes import Field, StringType, StructType

NO_NULL = "\x01\x02"
"""What no field of a CSV file is: none is null."""
LINE_BYTES_MAX = 32 << 20
_BATCH = 10_000


def csv(files: list[Path], options: Mapping[str, Any], target: Path) -> StructType:
    """All columns are strings; without a header they are col0, col1 and so on. Raises ValueError."""
    header, first = flag(options, "withHeader"), flag(options, "skipFirst")
    quote, delimiter = str(options.get("quoteChar", '"')), str(options.get("separator", ","))
    form = {"delim": delimiter, "quote": "" if quote == "-1" else quote}
    form["escape"] = str(options.get("escaper") or form["quote"])
    found = _first_row(files[0], form, skip=first)
    columns = _distinct(found) if header else [f"col{number}" for number in range(len(found))]
    if not columns:
        return StructType()
    names = ", ".join(f"'{_text(str(file))}'" for file in files)
    settings = form | {"nullstr": NO_NULL, "header": header, "skip": 1 if first else 0}
    given = ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())
    types = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in columns)
    fixed = (
        f"columns = {{{types}}}, auto_detect = false, null_padding = true, strict_mode = false, ignore_errors = true"
    )
    source = f"read_csv([{names}], {given}, {fixed}, max_line_size = {LINE_BYTES_MAX}, parallel = false)"
    with duckdb.connect() as connection:
        try:
            connection.execute(f"COPY (SELECT * FROM {source}) TO '{_text(str(target))}' (FORMAT parquet)")
        except duckdb.Error as error:
            raise ValueError(f"The CSV cannot be read: {error}") from error
    return StructType(Field(name, StringType()) for name in columns)


def _first_row(file: Path, form: Mapping[str, str], *, skip: bool) -> list[str]:
    """What the first row has."""
    escape = form["escape"] if form["escape"] != form["quote"] else None
    with _opened(file) as stream:
        rows = python_csv.reader(
            io.TextIOWrapper(stream, "utf-8-sig", "replace", newline=""),
            delimiter=form["delim"],
            quotechar=form["quote"] or None,
            escapechar=escape or None,
            quoting=python_csv.QUOTE_MINIMAL if form["quote"] else python_csv.QUOTE_NONE,
        )
        for number, row in enumerate(rows):
            if row and number >= int(skip):
                return row
    return []


def _distinct(names: list[str]) -> list[str]:
    """Names of columns: none is empty, and none comes twice."""
    found: list[str] = []
    for number, name in enumerate(names):
        name = name or f"col{number}"
        found.append(name if name.lower() not in (one.lower() for one in found) else f"{name}_{number}")
    return found


def xml(files: list[Path], options: Mapping[str, Any], target: Path) -> StructType:
    """Elements named by rowTag are records. Raises ValueError."""
    tag = options.get("rowTag")
    if not tag:
        raise ValueError("The format xml needs the option rowTag.")
    prefix, content = options.get("attributePrefix", "_"), options.get("contentTag", "_VALUE")
    plain = flag(options, "excludeAttribute")

    def records() -> Iterator[Any]:
        for file in files:
            with _opened(file) as stream:
                try:
                    for _, element in ElementTree.iterparse(stream):
                        if _local(element.tag) == tag:
                            yield _of_element(element, "" if plain else prefix, content, plain=plain)
                            element.clear()
                except ElementTree.ParseError as error:
                    raise ValueError(f"The XML cannot be read: {error}") from error

    return _through_json(records(), target)


def grok(files: list[Path], options: Mapping[str, Any], target: Path) -> StructType:
    """Lines by the grok pattern `logFormat`, with `customPatterns`; others are left out."""
    if not options.get("logFormat"):
        raise ValueError("The format grokLog needs the option logFormat.")
    pattern = Grok(options["logFormat"], options.get("customPatterns", ""))
    types = [(name, gluetypes.named(type)) for name, type in pattern.columns]
    arrow = pa.schema([pa.field(name, pa.string()) for name, _ in types])

    def tables() -> Iterator[pa.Table]:
        rows: list[list[str | None]] = []
        for file in files:
            with _opened(file) as stream:
                for line in stream:
                    found = pattern.match(line.decode("utf-8", "replace").rstrip("\r\n"), whole=False)
                    if found is not None:
                        rows.append(found)
                    if len(rows) == _BATCH:
                        yield _columns(rows, arrow)
                        rows = []
        yield _columns(rows, arrow)

    with pa.parquet.ParquetWriter(target, arrow) as writer:
        for table in tables():
            writer.write_table(table)
    return StructType(Field(name, StringType()) for name, _ in types)


def orc(files: list[Path], target: Path) -> None:
    """Stripe by stripe."""
    writer = None
    for file in files:
        source = pa.orc.ORCFile(file)
        for stripe in range(source.nstripes):
            batch = source.read_stripe(stripe)
            writer = writer or pa.parquet.ParquetWriter(target, batch.schema)
            writer.write_table(pa.Table.from_batches([batch]).cast(writer.schema))
    if writer is not None:
        writer.close()


def avro(source: Path, target: Path) -> None:
    """Avro as Parquet, by DuckDB. Raises ValueError."""
    import duckdb_extension_avro

    folder = Path(duckdb_extension_avro.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    with duckdb.connect() as connection:
        connection.load_extension(str(folder / "avro.duckdb_extension"))
        rows = f"SELECT * FROM read_avro('{_text(str(source))}')"
        try:
            connection.execute(f"COPY ({rows}) TO '{_text(str(target))}' (FORMAT parquet)")
        except duckdb.Error as error:
            raise ValueError(f"The Avro cannot be read: {error}") from error


def has_rows(file: Path) -> bool:
    """Whether a file of Parquet has any."""
    return bool(pa.parquet.read_metadata(file).num_rows)


def to_orc(source: Path, target: Path, compression: str) -> None:
    """Parquet as ORC, row group by row group."""
    file = pa.parquet.ParquetFile(source)
    with pa.orc.ORCWriter(target, compression=compression) as writer:
        for batch in file.iter_batches():
            writer.write(pa.Table.from_batches([batch]))


def flag(options: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """An option that is true or false, also as text."""
    value = options.get(name, default)
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def _columns(rows: list[list[str | None]], schema: pa.Schema) -> pa.Table:
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in schema]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)


def _through_json(records: Iterator[Any], target: Path) -> StructType:
    lines = target.with_suffix(".jsonl")
    with open(lines, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record) + "\n")
    return jsonfiles.convert([lines], None, target)


def _of_element(element: Any, prefix: str, content: str, *, plain: bool) -> Any:
    """An element's attributes and children; those that come more than once are arrays."""
    found: dict[str, Any] = (
        {} if plain else {f"{prefix}{_local(name)}": _scalar(v) for name, v in element.attrib.items()}
    )
    for child in element:
        name = _local(child.tag)
        value = _of_element(child, prefix, content, plain=plain)
        value = value[content] if isinstance(value, dict) and list(value) == [content] else value
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    text = (element.text or "").strip()
    if text or not found:
        found[content] = _scalar(text) if text else None
    return found


def _scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if str(value) == text or (kind is float and math.isfinite(value)) else text
    return text


def _opened(file: Path) -> Any:
    return gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _literal(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'" + _text(str(value)) + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return text.replace("'", "''")
