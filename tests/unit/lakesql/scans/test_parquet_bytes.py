"""What columns of a Parquet file take up."""

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql.scans.parquet import column_bytes


def test_all_leaves_of_a_column_count_for_it(tmp_path):
    inside = pa.array([{"x": number, "y": f"text {number}"} for number in range(1000)])
    columns = {"a.b": inside, "a": pa.array(range(1000)), "c.d": pa.array([[1.5]] * 1000)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=300)
    metadata = pq.read_metadata(tmp_path / "t.parquet")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [sum(group.column(leaf).total_compressed_size for group in groups) for leaf in range(4)]
    assert len(groups) == 4
    assert column_bytes(metadata, metadata.schema.to_arrow_schema()) == [chunks[0] + chunks[1], chunks[2], chunks[3]]
