"""TPC-H on lakemill: DuckDB's own generator, the tables as Parquet in the lake, and its 22 queries asked of Athena."""

import csv
import importlib.util
import io
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.running import Lakemill

PACKAGE = "duckdb_extension_tpch"
TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
BUCKET = "tpch"
ROW_GROUP = 122_880
POLL_S = 0.05


def generated(folder: Path, scale: float) -> duckdb.DuckDBPyConnection:
    """A connection with a view of every table, over Parquet files in a folder; and the queries, `tpch_queries()`."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None, f"{PACKAGE} is not installed"
    version = f"v{duckdb.__version__}"
    connection = duckdb.connect()
    connection.execute(f"LOAD '{Path(spec.origin).parent / 'extensions' / version / 'tpch.duckdb_extension'}'")
    connection.execute("CALL dbgen(sf = ?)", [scale])
    for table in TABLES:
        path = folder / f"{table}.parquet"
        connection.execute(f"COPY {table} TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP})")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{path}'")
    return connection


def queries(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str]]:
    """The number and text of each. Trino groups by a column, not by the name that it gets in the answer."""
    for number, text in connection.execute("SELECT query_nr, query FROM tpch_queries() ORDER BY 1").fetchall():
        yield number, re.sub(r"(GROUP BY\s+)supplier_no", r"\1l_suppkey", text)


class Athena:
    """TPC-H in a database of a running lakemill."""

    def __init__(self, running: Lakemill, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        options: dict[str, Any] = {"endpoint_url": running.endpoint, "region_name": "us-east-1"}
        options |= {"aws_access_key_id": running.access_key_id, "aws_secret_access_key": running.secret}
        import boto3

        self.athena, self.s3 = boto3.client("athena", **options), boto3.client("s3", **options)
        self.s3.create_bucket(Bucket=BUCKET)
        self.ask("CREATE DATABASE tpch")
        for table in TABLES:
            self.s3.upload_file(str(folder / f"{table}.parquet"), BUCKET, f"{table}/{table}.parquet")
            found = connection.execute(f"DESCRIBE {table}").fetchall()
            columns = ", ".join(f"{name} {_hive(kind)}" for name, kind, *_ in found)
            self.ask(f"CREATE EXTERNAL TABLE {table} ({columns}) STORED AS PARQUET LOCATION 's3://{BUCKET}/{table}/'")

    def ask(self, text: str) -> tuple[dict[str, Any], float]:
        """The execution, and the seconds from the call to its end. Raises RuntimeError if it did not succeed.

        Whoever asks all the time how far it is takes the processor from it: the end is that which Athena tells.
        """
        began = time.time()
        id = self.athena.start_query_execution(
            QueryString=text,
            QueryExecutionContext={"Database": "tpch"},
            ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
        )["QueryExecutionId"]
        while True:
            found = self.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(POLL_S)
        if found["Status"]["State"] != "SUCCEEDED":
            raise RuntimeError(f"{found['Status']}\n{text}")
        return found, found["Status"]["CompletionDateTime"].timestamp() - began

    def rows(self, execution: dict[str, Any]) -> list[list[str]]:
        """The rows of its result object, without the header."""
        key = execution["ResultConfiguration"]["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
        text = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        # A line of one null is empty, which the reader takes for a row without columns.
        return [row or [""] for row in csv.reader(io.StringIO(text))][1:]


def same(ours: list[list[str]], theirs: list[tuple[Any, ...]]) -> bool:
    """Whether both say the same: numbers to the digits that ours has, all else as text, rows in order.

    The average of decimals is one of as many digits in Trino, in DuckDB it is a double.
    """
    return len(ours) == len(theirs) and all(
        len(one) == len(other) and all(map(_alike, one, other)) for one, other in zip(ours, theirs, strict=True)
    )


def _alike(text: str, value: Any) -> bool:
    try:
        digits = len(text.partition(".")[2])
        half = 0.5 * 10.0**-digits if digits and "E" not in text else 0.0
        return math.isclose(float(text), float(value), rel_tol=1e-9, abs_tol=half)
    except (TypeError, ValueError):
        return text == ("" if value is None else str(value))


def _hive(kind: str) -> str:
    return {"INTEGER": "int", "BIGINT": "bigint", "VARCHAR": "string", "DATE": "date"}.get(kind, kind.lower())
