"""Text in a field, parsed: DynamicFrame.unbox."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl import columns, gluetypes, jsonfiles, materialising, objects, paths, textfiles
from lakemill.glueetl.gluetypes import Field, StructType

ROW, TEXT = "lakemill row", "lakemill text"


def unboxed(
    frame: DataFrame, schema: StructType, path: paths.Path, format: str, options: Mapping[str, Any]
) -> tuple[DataFrame, StructType]:
    """A frame with the parsed struct in the place of the text. Raises ValueError."""
    if format not in ("json", "csv"):
        raise ValueError(f"unbox takes the formats json and csv; got {format}.")
    value, type = columns.at(schema, path)
    if not isinstance(type, gluetypes.StringType):
        raise ValueError(f"unbox takes a string; {paths.quoted(path)} is {type.typeName()}.")
    base = materialising.materialised(frame.select("*", F.monotonically_increasing_id().alias(ROW)), "unbox")
    texts = base.where(value.isNotNull()).select(columns.column(ROW), value.alias(TEXT)).toArrow()
    folder = objects.scratch("unbox")
    parsed = _parsed(texts.column(1).to_pylist(), format, options, folder)
    if parsed is None:
        return base.drop(ROW), schema
    rows, inner = parsed
    numbers = texts.column(0)
    import pyarrow as pa
    import pyarrow.parquet

    made = pyarrow.parquet.read_table(rows)
    boxed = pa.StructArray.from_arrays([column.combine_chunks() for column in made.columns], made.column_names)
    pyarrow.parquet.write_table(pa.table({ROW: numbers, TEXT: boxed}), folder / "boxed.parquet")
    right = materialising.read(folder / "boxed.parquet").select(
        columns.column(ROW).alias(f"{ROW} 2"), columns.column(TEXT)
    )
    whole = base.join(right, columns.column(ROW) == columns.column(f"{ROW} 2"), "left")
    fields = columns.changed(
        columns.all_of(schema), path, lambda name, value, type: [(name, columns.column(TEXT), inner)]
    )
    result = whole.select([value.alias(name) for name, value, _ in fields])
    return result, StructType(Field(name, type) for name, _, type in fields)


def _parsed(texts: list[str], format: str, options: Mapping[str, Any], folder: Any) -> Any:
    """(a file of Parquet with a row for each text, its schema)."""
    if not texts:
        return None
    target = folder / "parsed.parquet"
    if format == "json":
        source = folder / "texts.jsonl"
        with open(source, "w", encoding="utf-8") as file:
            for text in texts:
                try:
                    document = json.loads(text)
                except ValueError as error:
                    raise ValueError(f"unbox: {text[:200]!r} is no JSON: {error}") from None
                file.write(json.dumps(document if isinstance(document, dict) else {"value": document}) + "\n")
        return target, jsonfiles.convert([source], None, target)
    source = folder / "texts.csv"
    source.write_text("".join(text.replace("\n", " ") + "\n" for text in texts))
    return target, textfiles.csv([source], options, target)
