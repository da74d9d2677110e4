"""What columns of a Parquet file take up."""

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql.scans.parquet import column_bytes


def test_of_columns_with_one_name_the_first_counts(tmp_path):
    twice = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([2])], names=["a", "b", "a"])
    pq.write_table(twice, tmp_path / "t.parquet")
    metadata = pq.read_metadata(tmp_path / "t.parquet")
    first, other, again = (metadata.row_group(0).column(leaf).total_compressed_size for leaf in range(3))
    assert column_bytes(metadata, metadata.schema.to_arrow_schema()) == [first + again, other, 0]


def test_all_leaves_of_a_column_count_for_it(tmp_path):
    inside = pa.array([{"x": number, "y": f"text {number}"} for number in range(1000)])
    columns = {"a.b": inside, "a": pa.array(range(1000)), "c.d": pa.array([[1.5]] * 1000)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=300)
    metadata = pq.read_metadata(tmp_path / "t.parquet")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [sum(group.column(leaf).total_compressed_size for group in groups) for leaf in range(4)]
    assert len(groups) == 4
    assert column_bytes(metadata, metadata.schema.to_arrow_schema()) == [chunks[0] + chunks[1], chunks[2], chunks[3]]
