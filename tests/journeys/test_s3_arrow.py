"""S3 by Arrow's own file system, the one that Iceberg, Delta and pandas read through."""

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq


def test_arrow_writes_lists_and_reads(lakemill):
    credentials = lakemill.client("s3")._request_signer._credentials
    lakemill.client("s3").create_bucket(Bucket="arrow")
    files = pyarrow.fs.S3FileSystem(
        access_key=credentials.access_key,
        secret_key=credentials.secret_key,
        endpoint_override=lakemill.endpoint,
        region="us-east-1",
    )
    table = pa.table({"id": range(1000), "name": [f"n{n}" for n in range(1000)]})
    pq.write_table(table, "arrow/lake/day=1/part.parquet", filesystem=files)
    assert [one.base_name for one in files.get_file_info(pyarrow.fs.FileSelector("arrow/lake/day=1"))] == [
        "part.parquet"
    ]
    with files.open_input_file("arrow/lake/day=1/part.parquet") as stream:
        assert stream.read_at(4, 0) == b"PAR1"
    with files.open_input_stream("arrow/lake/day=1/part.parquet") as stream:
        assert stream.read()[-4:] == b"PAR1"
    assert pq.read_table("arrow/lake/", filesystem=files).select(["id", "name"]).equals(table)
