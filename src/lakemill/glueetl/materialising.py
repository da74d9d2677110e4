"""Frames that are computed once: kept as Parquet in the run's temporary folder."""

import itertools
from pathlib import Path

from pyspark.sql import DataFrame

from lakemill.glueetl import objects
from lakemill.glueetl.sessions import session

_numbers = itertools.count()


def materialised(frame: DataFrame, name: str) -> DataFrame:
    """The same rows, from files."""
    folder = objects.scratch(name)
    path = folder / f"{next(_numbers):06d}"
    schema = frame.schema
    frame.write.parquet(f"file://{path}")
    return read(path, schema)


def read(path: Path, schema: object = None) -> DataFrame:
    """A folder or a file of Parquet; one that was not written has no rows."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return session().createDataFrame([], schema)  # type: ignore[arg-type, return-value]
    return session().read.parquet(f"file://{path}")  # type: ignore[return-value]
