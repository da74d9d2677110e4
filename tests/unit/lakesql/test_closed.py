"""What users' SQL can reach: the tables it names, and nothing else of this machine."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM TABLE(read_csv('/etc/passwd'))",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM stream_1",
        "COPY (SELECT 1) TO '/tmp/lakemill-never'",
        "INSTALL httpfs",
        "ATTACH '/tmp/lakemill-never.db'",
        "SET memory_limit = '1TB'",
        "PRAGMA version",
    ],
)  # fmt: skip
def test_what_belongs_to_duckdb_is_no_part_of_the_language(failure, text):
    assert "│" not in failure(text) and "Traceback" not in failure(text)


def test_an_instance_opens_only_the_files_of_its_views(lake, rows, tmp_path):
    from lakemill.lakesql.interface import Statement
    from lakemill.lakesql.query import Query
    from lakemill.lakesql.scans.objects import Meter

    (tmp_path / "s").mkdir()
    (tmp_path / "secret").write_text("x")
    with Query(Statement(text="", dialect="athena", folder=str(tmp_path / "s")), lake, Meter()) as query:
        from lakemill.lakesql.dialects import athena

        query.plan(athena.parse("SELECT 1 AS a").tree)
        for text in (f"SELECT * FROM read_text('{tmp_path}/secret')", f"COPY (SELECT 1) TO '{tmp_path}/made'"):
            with pytest.raises(Exception, match="file system operations are disabled"):
                query.connection.execute(text)
        with pytest.raises(Exception, match="configuration has been locked"):
            query.connection.execute("SET enable_external_access = true")
