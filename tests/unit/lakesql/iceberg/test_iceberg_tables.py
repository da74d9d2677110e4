"""Tables that are made, written and read."""

CREATE = """CREATE TABLE sales (id bigint, name string, at timestamp, amount decimal(10,2), tags array<string>)
    {} LOCATION 's3://lake/sales/' TBLPROPERTIES ('table_type'='ICEBERG', 'format'='parquet')"""
VALUES = """INSERT INTO sales VALUES
    (1, 'ann', TIMESTAMP '2024-01-01 10:00:00.123456', DECIMAL '1.20', ARRAY['a']),
    (2, NULL, TIMESTAMP '2024-01-02 10:00:00', DECIMAL '2.00', NULL),
    (3, 'cy', NULL, NULL, ARRAY[])"""


def test_rows_are_written_and_read(rows, done, lake):
    done(CREATE.format(""))
    done(VALUES)
    assert rows("SELECT * FROM sales ORDER BY id") == [
        '"1","ann","2024-01-01 10:00:00.123456","1.20","[a]"',
        '"2",,"2024-01-02 10:00:00.000000","2.00",',
        '"3","cy",,,"[]"',
    ]


def test_partitions(rows, done, lake):
    done(CREATE.format("PARTITIONED BY (day(at), bucket(4, id), truncate(1, name))"))
    done(VALUES)
    assert rows("SELECT id FROM sales WHERE id = 2") == ['"2"']
    print(rows('SELECT partition, record_count FROM "sales$partitions"'))
    print(rows('SELECT * FROM "sales$files"'))
    print(rows('SELECT * FROM "sales$history"'))
    print(rows('SELECT * FROM "sales$snapshots"'))
    print(rows('SELECT * FROM "sales$manifests"'))
    print(rows('SELECT * FROM "sales$refs"'))
    done("CREATE TABLE copy WITH (table_type='ICEBERG', is_external=false, location='s3://lake/copy/', partitioning=ARRAY['bucket(id, 3)', 'name']) AS SELECT *, current_timestamp AS now FROM sales")
    print(rows('SELECT * FROM copy'))
    print(rows('SELECT partition, record_count FROM "copy$partitions"'))

