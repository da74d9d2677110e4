"""TPC-H on lakemill: DuckDB's own generator, the tables as Parquet in the lake, and its 22 queries asked of Athena and,
once the tables are loaded, of Redshift."""

import csv
import importlib.util
import io
import json
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
    connection.execute("SET enable_progress_bar = false")
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


class Redshift:
    """TPC-H in a cluster of a running lakemill: made by DDL, loaded by COPY, asked by the wire."""

    def __init__(self, running: Lakemill, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        import redshift_connector

        s3, redshift, iam = (running.client(name) for name in ("s3", "redshift", "iam"))
        trust = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="tpch", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="tpch", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
        redshift.create_cluster(
            ClusterIdentifier="tpch",
            NodeType="ra3.xlplus",
            MasterUsername="admin",
            MasterUserPassword="Tpch1234",
            DBName="tpch",
            IamRoles=[role],
        )
        redshift.get_waiter("cluster_available").wait(ClusterIdentifier="tpch", WaiterConfig={"Delay": 1})
        place = redshift.describe_clusters(ClusterIdentifier="tpch")["Clusters"][0]["Endpoint"]
        self.connection = redshift_connector.connect(
            host=place["Address"], port=place["Port"], database="tpch", user="admin", password="Tpch1234", ssl=False
        )
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        s3.create_bucket(Bucket="tpch-warehouse")
        for table in TABLES:
            s3.upload_file(str(folder / f"{table}.parquet"), "tpch-warehouse", f"{table}/0.parquet")
            found = connection.execute(f"DESCRIBE {table}").fetchall()
            self.cursor.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind, *_ in found)})")
            self.cursor.execute(f"COPY {table} FROM 's3://tpch-warehouse/{table}/' IAM_ROLE '{role}' FORMAT PARQUET")

    def ask(self, text: str) -> tuple[list[list[str]], float]:
        """The rows as text, and the seconds until all were here."""
        began = time.perf_counter()
        self.cursor.execute(text)
        rows = self.cursor.fetchall()
        took = time.perf_counter() - began
        return [["" if value is None else str(value) for value in row] for row in rows], took

    def close(self) -> None:
        self.connection.close()


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
