"""JSON lines made into Parquet and ORC, beside DuckDB and polars.

Every peer gets the 336,776 flights of nycflights13 as JSON lines, one thread, an explicit schema of 14 whole numbers,
4 strings and a timestamp, and writes Parquet with Snappy. Figures are MB of JSON by second of processor time, the best
of some rounds in which all take turns (polars, which has a process of its own, comes after them); before, everybody has
run once. Ours gets one record per line, as a delivery stream has them. LAKEMILL_BENCH_FLIGHTS names the file.

    python bench/conversion.py FLIGHTS.parquet
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from bench.formats import row
from lakemill.formats.conversion import OpenX, Orc, Parquet, convert
from lakemill.formats.hive import NamedColumn

FLIGHTS = Path(os.environ.get("LAKEMILL_BENCH_FLIGHTS", "flights.parquet"))
PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin" / "python"
ROUNDS = 3
STRINGS = ("carrier", "tailnum", "origin", "dest")


def lines(path: Path) -> list[bytes]:
    """The flights, a line of JSON each, with the hour as an ISO 8601 timestamp."""
    made = []
    for one in pyarrow.parquet.read_table(path).to_pylist():
        one["time_hour"] = f"{one['year']:04}-{one['month']:02}-{one['day']:02}T{one['hour']:02}:00:00Z"
        made.append(json.dumps(one, separators=(",", ":")).encode() + b"\n")
    return made


def duckdb_work(path: Path, target: Path, names: list[str]) -> Callable[[], object]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1")
    kinds = {name: "VARCHAR" if name in STRINGS else "INTEGER" for name in names} | {"time_hour": "TIMESTAMP"}
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items())
    source = f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
    query = f"copy (select * from {source}) to '{target}' (format parquet, compression snappy)"
    return lambda: connection.execute(query)


POLARS = """
import json, sys, time
import polars
source, target, kinds, rounds = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
schema = {name: getattr(polars, kind) for name, kind in kinds.items()}
hour = polars.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ")
for _ in range(rounds):
    began = time.process_time()
    polars.read_ndjson(source, schema=schema).with_columns(hour).write_parquet(target, compression="snappy")
    print(time.process_time() - began, flush=True)
"""


def polars_seconds(path: Path, target: Path, names: list[str]) -> list[float]:
    """Its rounds, in an environment of its own; none where that is not there."""
    if not PEERS.exists():
        print("  left out: polars, which is not in .venvs/peers (make bench)")
        return []
    kinds = {name: "String" if name in (*STRINGS, "time_hour") else "Int32" for name in names}
    command = [str(PEERS), "-c", POLARS, str(path), str(target), json.dumps(kinds), str(ROUNDS + 1)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "POLARS_MAX_THREADS": "1"}
    )
    return [float(line) for line in done.stdout.split()[1:]]


def run() -> list[dict]:
    if not FLIGHTS.exists():
        print("  flights.parquet of nycflights13 is not there; name it in LAKEMILL_BENCH_FLIGHTS")
        return []
    pa.set_cpu_count(1)
    records = lines(FLIGHTS)
    names = list(json.loads(records[0]))
    kinds = {name: "string" if name in STRINGS else "int" for name in names} | {"time_hour": "timestamp"}
    columns = [NamedColumn(name, kind) for name, kind in kinds.items()]
    megabytes = sum(map(len, records)) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "flights.json", Path(folder) / "out.parquet"
        source.write_bytes(b"".join(records))
        works: dict[str, Callable[[], object]] = {
            "ours": lambda: target.write_bytes(convert(records, columns, OpenX(), Parquet()).body),
            "dictionary": lambda: target.write_bytes(convert(records, columns, OpenX(), Parquet(dictionary=True)).body),
            "orc": lambda: target.write_bytes(convert(records, columns, OpenX(), Orc()).body),
            "DuckDB": duckdb_work(source, target, names),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for turn in range(ROUNDS + 1):
            for name, work in works.items():
                began = time.process_time()
                work()
                if turn:
                    times[name].append(time.process_time() - began)
        times["polars"] = polars_seconds(source, target, names)
    speed = {name: megabytes / min(found) for name, found in times.items() if found}
    size = f"{megabytes:.0f} MB of JSON lines"
    note = "peer: {}, with dictionaries; processor time of one thread"
    rows = []
    for peer in ("DuckDB", "polars"):
        if peer in speed:
            name = f"{size} to Parquet, beside {peer}"
            one = row(name, speed["ours"], speed[peer], "MB/s", None, "at least 130 MB/s", note.format(peer))
            rows.append(one | {"met": speed["ours"] >= 130})
    rows.append(row(f"{size} to Parquet with dictionaries", speed["dictionary"], speed["DuckDB"], "MB/s", None, "",
                    note.format("DuckDB")))  # fmt: skip
    rows.append(row(f"{size} to ORC", speed["orc"], None, "MB/s", None, "", ""))
    return rows


if __name__ == "__main__":
    if sys.argv[1:]:
        FLIGHTS = Path(sys.argv[1])
    for line in run():
        print(line)
