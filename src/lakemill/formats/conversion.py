"""JSON records made into one Parquet or ORC file, as a table's columns say.

>>> from lakemill.formats.hive import NamedColumn
>>> done = convert([b'{"id": 1}{"id": "2"}', b'{"id": "x"}'], [NamedColumn("id", "int")], OpenX(), Parquet())
>>> done.rows, done.body[:4], done.failures[0].message
(2, b'PAR1', 'Data does not match the schema. Column id: "x" is not of type int')
"""

import dataclasses
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from lakemill.formats.jsoncolumns import Blocks, ColumnReader, Failure
from lakemill.formats.jsonserde import Column, HiveJson, OpenX, Serde, TimeOutOfRange

__all__ = ["Converted", "Failure", "HiveJson", "OpenX", "OptionRefused", "Orc", "Parquet", "convert"]

MIB = 1 << 20


class OptionRefused(ValueError):
    """An option that cannot be honoured, or has a value it must not have."""


@dataclasses.dataclass(frozen=True)
class Parquet:
    """How a Parquet file is written.

    compression: SNAPPY, GZIP or UNCOMPRESSED. block_bytes: about how much of a table, in memory, a row group holds.
    page_bytes: of a data page. writer: V1 or V2, the form of the data pages.
    Timestamps are INT96, as Hive writes them.
    """

    compression: str = "SNAPPY"
    block_bytes: int = 256 * MIB
    page_bytes: int = MIB
    dictionary: bool = False
    writer: str = "V1"
    padding_bytes_max: int = 0

    def check(self) -> None:
        """Raises OptionRefused."""
        _one_of("Compression", self.compression, ("SNAPPY", "GZIP", "UNCOMPRESSED"))
        _at_least("BlockSizeBytes", self.block_bytes, 64 * MIB)
        _at_least("PageSizeBytes", self.page_bytes, 64 << 10)
        _one_of("WriterVersion", self.writer, ("V1", "V2"))
        if self.padding_bytes_max:
            raise OptionRefused("MaxPaddingBytes must be 0: row groups are not padded to a block of HDFS")

    def write(self, table: pa.Table) -> bytes:
        """The file's bytes."""
        sink = pa.BufferOutputStream()
        row_bytes = max(1.0, table.nbytes / max(1, table.num_rows))
        pa.parquet.write_table(
            table,
            sink,
            row_group_size=max(1, int(self.block_bytes / row_bytes)),
            compression={"SNAPPY": "snappy", "GZIP": "gzip", "UNCOMPRESSED": "none"}[self.compression],
            data_page_size=self.page_bytes,
            use_dictionary=self.dictionary,
            data_page_version="1.0" if self.writer == "V1" else "2.0",
            use_deprecated_int96_timestamps=True,
            store_schema=False,
        )
        return sink.getvalue().to_pybytes()


@dataclasses.dataclass(frozen=True)
class Orc:
    """How an ORC file is written.

    compression: SNAPPY, ZLIB or NONE. format_version: V0_12 or V0_11. dictionary_threshold: a text column has a
    dictionary if at most this share of its values is distinct. block_bytes and padding_tolerance mean something only
    with padding, which is refused.
    """

    compression: str = "SNAPPY"
    stripe_bytes: int = 64 * MIB
    row_index_stride: int = 10_000
    bloom_columns: Sequence[str] = ()
    bloom_false_positives: float = 0.05
    dictionary_threshold: float = 0.0
    format_version: str = "V0_12"
    block_bytes: int = 256 * MIB
    padding: bool = False
    padding_tolerance: float = 0.05

    def check(self) -> None:
        """Raises OptionRefused."""
        _one_of("Compression", self.compression, ("SNAPPY", "ZLIB", "NONE"))
        _one_of("FormatVersion", self.format_version, ("V0_12", "V0_11"))
        _at_least("StripeSizeBytes", self.stripe_bytes, 8 * MIB)
        _at_least("BlockSizeBytes", self.block_bytes, 64 * MIB)
        _at_least("RowIndexStride", self.row_index_stride, 1000)
        for name in ("bloom_false_positives", "dictionary_threshold", "padding_tolerance"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionRefused(f"{_ORC_NAMES[name]} must be between 0 and 1; got {getattr(self, name)}")
        if self.padding:
            raise OptionRefused("EnablePadding must be false: stripes are not padded to a block of HDFS")

    def write(self, table: pa.Table) -> bytes:
        """The file's bytes. Raises OptionRefused for a bloom filter on a column that is not there."""
        names = table.schema.names
        for name in self.bloom_columns:
            if name.lower() not in names:
                raise OptionRefused(f"BloomFilterColumns names {name!r}, which is no column of the table")
        sink = pa.BufferOutputStream()
        pa.orc.write_table(
            table,
            sink,
            compression={"SNAPPY": "snappy", "ZLIB": "zlib", "NONE": "uncompressed"}[self.compression],
            file_version=self.format_version[1:].replace("_", "."),
            stripe_size=self.stripe_bytes,
            row_index_stride=self.row_index_stride,
            bloom_filter_columns=[names.index(name.lower()) for name in self.bloom_columns] or None,
            bloom_filter_fpp=self.bloom_false_positives,
            dictionary_key_size_threshold=self.dictionary_threshold,
        )
        return sink.getvalue().to_pybytes()


_ORC_NAMES = {
    "bloom_false_positives": "BloomFilterFalsePositiveProbability",
    "dictionary_threshold": "DictionaryKeyThreshold",
    "padding_tolerance": "PaddingTolerance",
}


@dataclasses.dataclass(frozen=True)
class Converted:
    """body: the file, empty if there are no rows. failures: the records that are not in it, in their order."""

    body: bytes
    rows: int
    failures: list[Failure]


def convert(
    records: Sequence[bytes] | pa.BinaryArray | Blocks, columns: Sequence[Column], serde: Serde, output: Parquet | Orc,
    *, compiled: bool | None = None,
) -> Converted:  # fmt: skip
    """Make one file of records, each any number of JSON objects. A record that fails is left out whole.

    Parameters
    ----------
    records : n bytes, an Arrow array of binary, or blocks
    columns : the table's columns in order, without its partition keys
        Anything with a name and a type, as Hive writes it.
    serde : OpenX or HiveJson
        How JSON is read.
    output : Parquet or Orc
    compiled : bool, optional
        Whether to use compiled code; by default that is up to the size.

    Raises
    ------
    OptionRefused, hive.TypeUnknown, moments.PatternRefused
        Nothing can be converted with this table or these options.

    Notes
    -----
    A block with a timestamp outside of the years 1678 to 2261 is read by microseconds.
    """
    output.check()
    if not columns:
        raise OptionRefused("a table without columns has no place for records")
    try:
        table, failures = ColumnReader(columns, serde, compiled=compiled).read(records)
    except TimeOutOfRange:
        table, failures = ColumnReader(columns, serde, "us", compiled=compiled).read(records)
    failures.sort(key=lambda failure: failure.index)
    return Converted(output.write(table) if table.num_rows else b"", table.num_rows, failures)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionRefused(f"{name} must be one of {', '.join(allowed)}; got {value!r}")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise OptionRefused(f"{name} must be at least {least}; got {value}")
