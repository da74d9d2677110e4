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


def test_rows_are_put_into_partitions(rows, done, lake):
    done(CREATE.format("PARTITIONED BY (day(at), bucket(4, id), truncate(1, name))"))
    done(VALUES)
    assert rows("SELECT id FROM sales WHERE id = 2") == ['"2"']
    assert rows('SELECT partition, record_count FROM "sales$partitions"') == [
        '"{at_day=2024-01-01, id_bucket=0, name_trunc=a}","1"',
        '"{at_day=2024-01-02, id_bucket=0, name_trunc=null}","1"',
        '"{at_day=null, id_bucket=3, name_trunc=c}","1"',
    ]


def test_a_query_becomes_a_table(rows, done, lake):
    done(CREATE.format(""))
    done(VALUES)
    properties = "table_type='ICEBERG', is_external=false, location='s3://lake/copy/'"
    partitioning = "partitioning=ARRAY['bucket(id, 3)', 'name']"
    text = "SELECT *, TIMESTAMP '2024-01-01 10:00:00.5 Europe/Paris' AS zoned FROM sales"
    assert done(f"CREATE TABLE copy WITH ({properties}, {partitioning}) AS {text}") == 3
    assert rows("SELECT id, zoned FROM copy WHERE id < 2") == ['"1","2024-01-01 09:00:00.500000 UTC"']
    assert rows("SELECT count(*) FROM copy WHERE zoned < TIMESTAMP '2024-01-01 09:00:01 UTC'") == ['"3"']
    names = 'SELECT partition.id_bucket, partition.name FROM "copy$partitions" ORDER BY 1, 2'
    assert rows(names) == ['"0","cy"', '"0",', '"2","ann"']
    done(f"CREATE TABLE empty WITH ({properties.replace('copy', 'empty')}) AS {text} WITH NO DATA")
    assert rows("SELECT * FROM empty") == []


def test_nested_values_are_kept(rows, done):
    create = "CREATE TABLE nested (s struct<a:int,at:timestamp>, m map<string,array<double>>, b binary, f boolean) "
    done(create + "LOCATION 's3://lake/nested/' TBLPROPERTIES ('table_type'='ICEBERG')")
    row = "CAST(ROW(1, TIMESTAMP '2024-01-01 00:00:00') AS row(a integer, at timestamp(6)))"
    done(f"INSERT INTO nested SELECT {row}, MAP(ARRAY['k'], ARRAY[ARRAY[1.5e0, NULL]]), X'00ff', true")
    assert rows("SELECT s, m, b, f, s.a FROM nested") == [
        '"{a=1, at=2024-01-01 00:00:00.000000}","{k=[1.5, null]}","00 ff","true","1"'
    ]


def test_only_files_that_matter_are_read(rows, done, carried):
    done(CREATE.format("PARTITIONED BY (bucket(4, id))"))
    for number in range(3):
        done(f"INSERT INTO sales (id, name) VALUES ({number}, 'x')")
    whole = carried("SELECT id FROM sales").scanned_bytes
    assert 0 < carried("SELECT id FROM sales WHERE id = 1").scanned_bytes < whole
    assert carried("SELECT id FROM sales WHERE id > 7").scanned_bytes == 0
    assert len(rows('SELECT "$path" FROM sales WHERE id IN (1, 2)')) == 2


def test_parameters_stand_in_statements_that_change_rows(rows, done):
    done(CREATE.format(""))
    done(VALUES)
    assert done("UPDATE sales SET name = ? WHERE id = ?", parameters=["'it''s'", "2"]) == 1
    assert done("DELETE FROM sales WHERE id = ? OR name = ?", parameters=["1", "'cy'"]) == 2
    assert rows("SELECT id, name FROM sales") == ['"2","it\'s"']
