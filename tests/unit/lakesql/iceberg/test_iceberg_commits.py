"""Statements beside others on the same table, and deletes that others have written."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
)
from pyiceberg.typedef import Record

from lakemill.lakesql.iceberg.catalog import Tables

CREATE = "CREATE TABLE t (id int, v string) LOCATION 's3://lake/t/' TBLPROPERTIES ('table_type'='ICEBERG')"


@pytest.fixture
def t(done):
    done(CREATE)
    done("INSERT INTO t VALUES (1, 'a'), (2, 'b')")


@pytest.fixture
def meanwhile(lake, done):
    """Carry out a statement when the next one stores its first object."""
    store = lake.store

    def arrange(text):
        def storing(path, uri):
            lake.store = store
            done(text)
            store(path, uri)

        lake.store = storing

    return arrange


def files(lake):
    return {path.name for path in (lake.root / "lake/t").rglob("*") if path.is_file()}


def test_rows_that_are_added_at_the_same_time_are_all_there(t, done, rows, meanwhile):
    meanwhile("INSERT INTO t VALUES (3, 'c')")
    done("INSERT INTO t VALUES (4, 'd')")
    assert rows("SELECT id FROM t ORDER BY id") == ['"1"', '"2"', '"3"', '"4"']


def test_a_change_of_what_another_has_changed_fails(t, done, rows, failure, lake, meanwhile):
    meanwhile("UPDATE t SET v = 'theirs' WHERE id = 1")
    assert failure("UPDATE t SET v = 'ours'").startswith("ICEBERG_COMMIT_ERROR: Failed to commit")
    assert rows("SELECT * FROM t ORDER BY id") == ['"1","theirs"', '"2","b"']
    told = rows('SELECT file_path FROM "t$files"') + rows('SELECT path FROM "t$manifests"')
    assert {one.strip('"').rpartition("/")[2] for one in told} <= files(lake)
    assert len([name for name in files(lake) if name.endswith(".metadata.json")]) == 3


def test_two_merges_do_not_insert_the_same_row(t, done, rows, failure, meanwhile):
    merge = "MERGE INTO t USING (SELECT 9 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
    meanwhile(merge)
    assert failure(merge).startswith("ICEBERG_COMMIT_ERROR")
    assert done(merge) == 0
    assert rows("SELECT count(*) FROM t WHERE id = 9") == ['"1"']


class Deletes(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES


def add_deletes(lake, folder, content, table, write):
    """Commit a file of deletes, as other engines do. write: makes the file at a path."""
    from pyiceberg.manifest import write_manifest_list
    from pyiceberg.table.snapshots import Operation, Snapshot, Summary
    from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate

    tables = Tables(lake, folder)
    found = tables.loaded(lake.table("default", table), "default")
    path, uri = folder / "deletes.parquet", f"s3://lake/{table}/data/{uuid.uuid4()}.parquet"
    (data,) = [task.file for task in found.scan().plan_files()]
    write(path, data.file_path)
    lake.store(str(path), uri)
    deletes = DataFile.from_args(
        content=content, file_path=uri, file_format=FileFormat.PARQUET, partition=Record(), spec_id=0,
        record_count=1, file_size_in_bytes=path.stat().st_size,
        equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
    )  # fmt: skip
    number, base = found.metadata.new_snapshot_id(), f"s3://lake/{table}/metadata/"
    manifest = tables.io.new_output(f"{base}{uuid.uuid4()}-m0.avro")
    with Deletes(found.spec(), found.schema(), manifest, number, "null") as writer:
        entry = {"status": ManifestEntryStatus.ADDED, "snapshot_id": number, "data_file": deletes}
        writer.add(ManifestEntry.from_args(**entry, sequence_number=None, file_sequence_number=None))
    current, sequence = found.current_snapshot(), found.metadata.next_sequence_number()
    listed = f"{base}snap-{number}.avro"
    with write_manifest_list(2, tables.io.new_output(listed), number, current.snapshot_id, sequence, "null") as lines:
        lines.add_manifests([writer.to_manifest_file(), *current.manifests(tables.io)])
    snapshot = Snapshot(
        snapshot_id=number, parent_snapshot_id=current.snapshot_id, sequence_number=sequence, manifest_list=listed,
        summary=Summary(Operation.DELETE), schema_id=0,
    )  # fmt: skip
    ref = SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=number)
    tables.commit_table(found, (), (AddSnapshotUpdate(snapshot=snapshot), ref))


def test_deletes_by_position_are_read_and_rewritten(t, done, rows, lake, tmp_path):
    def write(path, data):
        kinds = [("file_path", pa.string(), "2147483546"), ("pos", pa.int64(), "2147483545")]
        schema = pa.schema([pa.field(name, kind, metadata={"PARQUET:field_id": id}) for name, kind, id in kinds])
        pq.write_table(pa.table({"file_path": [data], "pos": [0]}, schema=schema), path)

    add_deletes(lake, tmp_path, DataFileContent.POSITION_DELETES, "t", write)
    assert rows("SELECT * FROM t") == ['"2","b"']
    assert rows("SELECT count(*) FROM t WHERE id = 1") == ['"0"']
    done("UPDATE t SET v = 'c'")
    done("INSERT INTO t VALUES (1, 'd')")
    assert rows("SELECT * FROM t ORDER BY id") == ['"1","d"', '"2","c"']
    assert rows('SELECT count(*) FROM "t$snapshots"') == ['"4"']


def test_deletes_by_equality_are_refused(t, failure, lake, tmp_path):
    def write(path, data):
        pq.write_table(pa.table({"id": pa.array([1], pa.int32())}), path)

    add_deletes(lake, tmp_path, DataFileContent.EQUALITY_DELETES, "t", write)
    assert failure("SELECT * FROM t") == "NOT_SUPPORTED: default.t has equality deletes, which are not supported"
