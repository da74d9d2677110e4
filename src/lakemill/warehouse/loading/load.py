"""A load: the quick way where every row is right, and the precise one that finds those that are not."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql.dialects.redshift.model import Column
from lakemill.lakesql.scans import sql
from lakemill.warehouse.loading import conversion, errors
from lakemill.warehouse.loading.conversion import Value
from lakemill.warehouse.loading.errors import LoadError
from lakemill.warehouse.loading.inputs import CODE, LINE, PLACES, RAW, REASON, Input, Relations
from lakemill.warehouse.loading.sources import Object
from lakemill.warehouse.loading.statement import Copy

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


@dataclasses.dataclass(frozen=True)
class Target:
    """What is loaded.

    columns : list of Column
        Those that are read, in order.
    others : list of (name, str)
        Those that are not, with the expression of their default.
    """

    table: str
    sql: str
    oid: int
    columns: list[Column]
    others: list[tuple[str, str]]

    def insert(self, query: str) -> str:
        """The statement that puts the rows of a query, with values for `columns`, into the table."""
        names = [column.name for column in self.columns] + [name for name, _ in self.others]
        given = ", ".join(f"v{place}" for place in range(len(self.columns)))
        values = ", ".join([given, *(default for _, default in self.others)])
        listed = ", ".join(map(sql.name, names))
        return f"INSERT INTO {self.sql} ({listed}) SELECT {values} FROM ({query}) AS loaded ({given})"


class Load:
    """One COPY of rows that are text. folder: for what is put aside."""

    def __init__(self, session: "Session", copy: Copy, target: Target, source: Input, folder: Path) -> None:
        self._session, self._copy, self._target, self._source = session, copy, target, source
        self._folder = folder
        self.errors: list[LoadError] = []
        fields = source.fields
        self._values: list[tuple[str, Value]] = []
        self._strict_values: list[tuple[str, Value]] = []
        for column, field in zip(target.columns, fields, strict=True):
            place = len(self._values)
            if source.filled is not None:
                texts = column.type.name in ("varchar", "char")
                field = source.filled[place] if texts else f"nullif({field}, {sql.text(copy.null)})"
            self._values.append((column.name, conversion.value(field, column.type, copy, column.not_null)))
            named = conversion.value(f"f{place}", column.type, copy, column.not_null)
            self._strict_values.append((field, named))

    def carry_out(self) -> int:
        """Load; how many rows there are. Raises SqlFailed, and writes down which rows were wrong."""
        connection = self._session.connection
        only_looks, trying = "NOLOAD" in self._copy.given, bool(self._copy.errors_allowed)
        with self._session.warehouse.connection() as other, Relations(connection) as here, Relations(other) as there:
            if trying or only_looks:
                relation = self._source.quick(there)
                count = None if relation is None else self._tried(other, relation)
                self._session_check()
                if count is not None and only_looks:
                    return count
                if count is None:
                    return self._precisely(connection, other)
            relation = self._source.quick(here)
            if relation is None:
                return self._precisely(connection, other)
            return self._quickly(connection, other, relation)

    def _strict(self, relation: str) -> str:
        """The values; where a row is wrong, the statement fails."""
        fields, terms = [], []
        for place, (column, (field, value)) in enumerate(zip(self._target.columns, self._strict_values, strict=True)):
            condition = conversion.guessed(f"f{place}", f"q{place}", column.type, self._copy)
            fields.append(f"{field} AS f{place}")
            if condition is None:
                terms.append(value.strict())
                continue
            fields.append(f"TRY_CAST(f{place} AS {column.type.duckdb()}) AS q{place}")
            terms.append(f"CASE WHEN {condition} THEN q{place} ELSE {value.strict()} END")
        return f"SELECT {', '.join(terms)} FROM (SELECT {', '.join(fields)} FROM {relation})"

    def _inserted(self, connection: duckdb.DuckDBPyConnection, query: str) -> int:
        self._session.transaction.touched()
        row = connection.execute(self._target.insert(query)).fetchone()
        return row[0] if row else 0

    def _tried(self, other: duckdb.DuckDBPyConnection, relation: str) -> int | None:
        """How many rows there are, if all of them are right."""
        names = ", ".join(f"v{place}" for place in range(len(self._values)))
        query = f"SELECT count(*), bit_xor(hash({names})) FROM ({self._strict(relation)}) AS tried ({names})"
        try:
            row = other.execute(query).fetchone()
        except duckdb.Error:
            return None
        return row[0] if row else 0

    def _quickly(self, connection: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection, relation: str) -> int:
        try:
            return self._inserted(connection, self._strict(relation))
        except duckdb.Error as wrong:
            if isinstance(wrong, duckdb.InterruptException | duckdb.OutOfMemoryException | duckdb.TransactionException):
                raise
            for _ in self._checked(other):
                pass
            if not self.errors:
                raise
            self._record()
            raise errors.load_failed(self._target.table) from None

    def _precisely(self, connection: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection) -> int:
        """Put the good rows aside, as they were read; load them when all of them are known."""
        path, count = self._folder / "good.parquet", 0
        writer: pq.ParquetWriter | None = None
        for table in self._checked(other):
            count += table.num_rows
            if "NOLOAD" not in self._copy.given:
                writer = writer or pq.ParquetWriter(path, table.schema, compression="none")
                writer.write_table(table)
        if writer is not None:
            writer.close()
        self._record()
        if len(self.errors) > self._copy.errors_allowed:
            raise errors.load_failed(self._target.table)
        if writer is None:
            return count
        columns = ", ".join(
            "CAST(json AS JSON) AS json" if name == "json" else sql.name(name) for name in pq.read_schema(path).names
        )  # fmt: skip
        return self._inserted(connection, self._strict(f"(SELECT {columns} FROM read_parquet({sql.text(str(path))}))"))

    def _checked(self, other: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
        """The good rows, until too many are wrong."""
        for one, table in self._source.precise(other):
            self._session_check()
            good = self._judged(other, one, table)
            yield good
            if len(self.errors) > self._copy.errors_allowed:
                return

    def _judged(self, other: duckdb.DuckDBPyConnection, one: Object, table: pa.Table) -> pa.Table:
        place, code, reason = conversion.first_problem(self._values)
        other.register("judged", table)
        kept = [name for name in table.column_names if name not in PLACES]
        source = "judged"
        if "json" in kept:
            source = "(SELECT * REPLACE (CAST(json AS JSON) AS json) FROM judged)"
        whole = f'"{CODE}" IS NOT NULL'
        fields = ", ".join(self._source.fields)
        found = other.execute(
            f'SELECT "{LINE}" AS line, "{RAW}" AS raw, CASE WHEN {whole} THEN "{CODE}" ELSE {code} END AS code, '
            f'CASE WHEN {whole} THEN "{REASON}" ELSE {reason} END AS reason, '
            f"CASE WHEN NOT ({whole}) THEN {place} END AS place, [{fields}]::VARCHAR[] AS fields FROM {source}"
        ).to_arrow_table()
        other.unregister("judged")
        wrong = pa.compute.is_valid(found.column("code"))
        bad = found.filter(wrong)
        allowed = self._copy.errors_allowed - len(self.errors) + 1
        for row in bad.slice(0, max(allowed, 1)).to_pylist():
            error = LoadError(one.uri, row["line"], row["raw"], row["code"], row["reason"], row["place"], row["fields"])
            self.errors.append(error)
        if not bad.num_rows:
            return table.select(kept)
        return table.filter(pa.compute.invert(wrong)).select(kept)

    def _session_check(self) -> None:
        if self._session.work is not None:
            self._session.work.check()

    def _record(self) -> None:
        errors.record(self._session, self._target.oid, self._target.columns, self.errors)
