"""Time travel, OPTIMIZE and VACUUM."""

import pytest

CREATE = """CREATE TABLE log (id int, day string) PARTITIONED BY (day) LOCATION 's3://lake/log/'
    TBLPROPERTIES ('table_type'='ICEBERG', 'optimize_rewrite_data_file_threshold'='3')"""


@pytest.fixture
def log(done):
    done(CREATE)
    for number in range(3):
        done(f"INSERT INTO log VALUES ({number}, 'a')")


def test_earlier_states_are_read(log, done, rows, failure):
    first, second, _ = rows('SELECT snapshot_id FROM "log$history" ORDER BY made_current_at')
    (moment,) = rows(f'SELECT committed_at FROM "log$snapshots" WHERE snapshot_id = {second.strip(chr(34))}')
    done("DELETE FROM log")
    done("ALTER TABLE log DROP COLUMN id")
    count = "SELECT count(id) FROM log FOR VERSION AS OF " + first.strip('"')
    assert rows(count) == ['"1"']
    assert rows(f"SELECT count(*) FROM log FOR TIMESTAMP AS OF TIMESTAMP '{moment.strip(chr(34))}'") == ['"2"']
    assert rows("SELECT count(*) FROM log") == ['"0"']
    assert rows("SELECT * FROM log FOR VERSION AS OF 'main'") == []
    assert "does not exists: 7" in failure("SELECT * FROM log FOR VERSION AS OF 7")
    assert "No version history" in failure("SELECT * FROM log FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'")


def test_small_files_become_one(log, done, rows):
    done("INSERT INTO log VALUES (7, 'b')")
    done("OPTIMIZE log REWRITE DATA USING BIN_PACK WHERE day = 'b'")
    files = 'SELECT record_count FROM "log$files" ORDER BY 1'
    assert rows(files) == ['"1"'] * 4
    done("OPTIMIZE log REWRITE DATA USING BIN_PACK")
    assert rows(files) == ['"1"', '"3"']
    assert rows("SELECT * FROM log ORDER BY 1") == ['"0","a"', '"1","a"', '"2","a"', '"7","b"']


def test_what_no_snapshot_needs_is_removed(log, done, rows, lake, failure):
    done("OPTIMIZE log REWRITE DATA USING BIN_PACK")
    data = [path for path in (lake.root / "lake/log/data").rglob("*") if path.is_file()]
    done("VACUUM log")
    assert all(path.exists() for path in data)
    done("ALTER TABLE log SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='0')")
    done("VACUUM log")
    assert [path.exists() for path in data].count(True) == 1
    assert len(rows('SELECT * FROM "log$snapshots"')) == 1
    assert rows("SELECT count(*) FROM log") == ['"3"']
