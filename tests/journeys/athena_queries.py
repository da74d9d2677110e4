"""What Athena promises of queries, whatever runs them: a suite for each engine.

A subclass gives `lake`, a `tests.journeys.lake.Lake` whose database has the table `flights`, and `slow`, a query that
takes longer than any test.
"""

import json
import uuid

import pytest

TYPES = """SELECT true AS a, CAST(1 AS tinyint) AS b, 2 AS c, 9007199254740993 AS d, REAL '1.5' AS e, 1e10 AS f,
  nan() AS g, DECIMAL '1.50' AS h, 'a "b"' AS i, CAST(NULL AS varchar) AS j, X'00ff' AS k, DATE '2020-01-31' AS l,
  TIMESTAMP '2020-01-31 08:00:00.5' AS m, TIMESTAMP '2020-01-31 08:00:00 Europe/Zurich' AS n, TIME '10:11:12' AS o,
  INTERVAL '36' HOUR AS p, ARRAY[1, NULL] AS q, MAP(ARRAY['k'], ARRAY[DATE '2020-01-01']) AS r,
  CAST(ROW(1, 'x') AS ROW(x integer, y varchar)) AS s, ARRAY[ARRAY[DECIMAL '0.5'], NULL] AS t, 'ü€' AS u"""
TEXTS = [
    *("true", "1", "2", "9007199254740993", "1.5", "1.0E10", "NaN", "1.50", 'a "b"', None, "00 ff", "2020-01-31"),
    *(
        "2020-01-31 08:00:00.500",
        "2020-01-31 08:00:00.000 Europe/Zurich",
        "10:11:12.000",
        "1 12:00:00.000",
        "[1, null]",
    ),
    *("{k=2020-01-01}", "{x=1, y=x}", "[[0.5], null]", "ü€"),
]
TOLD = [
    *(("boolean", 0), ("tinyint", 3), ("integer", 10), ("bigint", 19), ("float", 17), ("double", 17), ("double", 17)),
    *(("decimal", 3), ("varchar", None), ("varchar", 2147483647), ("varbinary", 1073741824), ("date", 0)),
    *(("timestamp", 3), ("timestamp with time zone", 3), ("time", 3), ("interval day to second", 0), ("array", 0)),
    *(("map", 0), ("row", 0), ("array", 0), ("varchar", None)),
]


def named(name):
    """A name that nobody else has."""
    return f"{name}_{uuid.uuid4().hex[:8]}"


def late(*values):
    """A case that is not for every day."""
    return pytest.param(*values, marks=pytest.mark.slow)


class AthenaQueries:
    """The suite."""

    @pytest.mark.slow
    def test_values_have_athenas_texts_and_types(self, lake):
        done = lake.run(TYPES)
        assert lake.rows_of(done)[1] == TEXTS
        answer = lake.athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])["ResultSet"]
        found = [(one["Type"], one["Precision"]) for one in answer["ResultSetMetadata"]["ColumnInfo"]]
        assert [kind for kind, _ in found] == [kind for kind, _ in TOLD]
        assert all(wanted in (None, precision) for (_, wanted), (_, precision) in zip(TOLD, found, strict=True))
        assert json.loads(lake.text(done["ResultConfiguration"]["OutputLocation"] + ".metadata"))["columns"]

    def test_rows_of_a_table_come_as_they_are_asked_for(self, lake):
        done = lake.run("SELECT carrier, delay FROM flights ORDER BY carrier, delay")
        assert lake.rows_of(done) == [["carrier", "delay"], ["AA", None], ["DL", "7"], ["UA", "-3"], ["UA", "11"]]
        assert lake.text(done["ResultConfiguration"]["OutputLocation"]).startswith('"carrier","delay"\n"AA",\n')
        assert (done["StatementType"], done["SubstatementType"]) == ("DML", "SELECT")
        statistics = done["Statistics"]
        assert statistics["DataScannedInBytes"] == len("UA,11\nAA,\nUA,-3\nDL,7\n")
        parts = ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "ServiceProcessingTimeInMillis")
        assert statistics["TotalExecutionTimeInMillis"] >= 0 and all(statistics[part] >= 0 for part in parts)

    @pytest.mark.slow
    def test_many_rows_keep_their_order(self, lake):
        rows = lake.rows("SELECT n FROM UNNEST(sequence(1, 400)) AS t (n) ORDER BY n DESC")
        assert [int(row[0]) for row in rows[1:]] == list(range(400, 0, -1))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (
                "SELECT 1,\n  /* two\n lines */ nope FROM flights",
                "COLUMN_NOT_FOUND: line 3:11: Column 'nope' cannot be",
            ),
            late("SELECT a FROM nowhere.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist"),
            late("SELECT a FROM elsewhere.d.t", "CATALOG_NOT_FOUND: line 1:15: Catalog 'elsewhere' does not exist"),
            late("SELECT 1 / (delay - delay) FROM flights", "DIVISION_BY_ZERO"),
            late("SELECT CAST(carrier AS integer) FROM flights", "INVALID_CAST_ARGUMENT"),
            late("CREATE TABLE x AS SELECT nope FROM flights", "COLUMN_NOT_FOUND: line 1:26: Column 'nope' cannot be"),
            late("EXPLAIN SELECT nope FROM flights", "COLUMN_NOT_FOUND: line 1:16: Column 'nope' cannot be resolved"),
        ],
    )
    def test_errors_have_code_line_and_column(self, lake, text, reason):
        done = lake.ended(lake.start(text), "FAILED")
        assert done["Status"]["StateChangeReason"].startswith(reason)
        error = done["Status"]["AthenaError"]
        assert error["ErrorMessage"] == done["Status"]["StateChangeReason"]
        assert (error["ErrorCategory"], error["ErrorType"], error["Retryable"]) == (2, 1006, False)

    @pytest.mark.slow
    def test_what_cannot_be_read_is_refused_at_once(self, lake):
        with pytest.raises(lake.athena.exceptions.InvalidRequestException, match="line 1:1: mismatched input 'SELEC'"):
            lake.start("SELEC 1")

    @pytest.mark.slow
    def test_parameters_and_prepared_statements(self, lake):
        text = "SELECT delay FROM flights WHERE carrier = ? AND delay < ? LIMIT ?"
        assert lake.rows(text, ExecutionParameters=["'UA'", "1 + 2", "5"]) == [["delay"], ["-3"]]
        name = named("late")
        lake.run(f"PREPARE {name} FROM SELECT count(*) AS n FROM flights WHERE delay > ?")
        assert lake.rows(f"EXECUTE {name} USING 5") == [["n"], ["2"]]
        assert "expected 3 but found 1" in lake.fails(text, ExecutionParameters=["'UA'"])

    def test_a_table_is_made_of_a_query_and_read_again(self, lake):
        name = named("made")
        done = lake.run(
            f"CREATE TABLE {name} WITH (partitioned_by = ARRAY['carrier'], format = 'ORC') AS "
            "SELECT delay, CAST(delay AS decimal(9, 2)) / 4 AS quarter, carrier FROM flights"
        )
        assert lake.rows(f"SELECT quarter, carrier FROM {name} WHERE delay = 7") == [
            ["quarter", "carrier"],
            ["1.75", "DL"],
        ]
        assert sorted(row[0] for row in lake.rows(f"SHOW PARTITIONS {name}")) == [
            "carrier=AA",
            "carrier=DL",
            "carrier=UA",
        ]
        assert len(lake.text(done["Statistics"]["DataManifestLocation"]).splitlines()) == 3
        lake.run(f"INSERT INTO {name} (delay, carrier) SELECT delay + 100, 'XX' FROM flights WHERE delay IS NOT NULL")
        assert lake.rows(f"SELECT sum(delay) AS d, count(quarter) AS q FROM {name} WHERE carrier = 'XX'")[1] == [
            "315",
            "0",
        ]

    @pytest.mark.slow
    def test_a_statement_that_fails_leaves_nothing(self, lake):
        name = named("failed")
        lake.fails(f"CREATE TABLE {name} AS SELECT 1 / (delay - delay) AS x FROM flights")
        assert [name] not in lake.rows("SHOW TABLES")

    @pytest.mark.slow
    def test_rows_are_unloaded(self, lake):
        place = f"s3://{lake.bucket}/{named('unloaded')}/"
        done = lake.run(
            f"UNLOAD (SELECT carrier, delay FROM flights WHERE delay > 7) TO '{place}' WITH (format = 'JSON')"
        )
        (uri,) = lake.text(done["Statistics"]["DataManifestLocation"]).splitlines()
        assert uri.startswith(place)

    @pytest.mark.slow
    def test_a_view_is_made_and_read(self, lake):
        name = named("seen")
        query = "WITH late AS (SELECT * FROM flights WHERE delay > 0) SELECT delay, carrier FROM late"
        lake.run(f"CREATE VIEW {name} AS {query}")
        assert lake.rows(f"SELECT max(delay) AS d FROM {name}") == [["d"], ["11"]]
        assert [row[0].strip() for row in lake.rows(f"SHOW COLUMNS IN {name}")] == ["delay", "carrier"]

    @pytest.mark.slow
    def test_an_iceberg_table_is_made_changed_and_read(self, lake):
        name = named("ice")
        properties = f"table_type = 'ICEBERG', is_external = false, location = 's3://{lake.bucket}/{name}/'"
        lake.run(f"CREATE TABLE {name} WITH ({properties}) AS SELECT carrier, delay FROM flights")
        lake.run(f"INSERT INTO {name} SELECT 'BB', 1")
        lake.run(f"DELETE FROM {name} WHERE carrier = 'UA'")
        rows = lake.rows(f"SELECT carrier, delay FROM {name} ORDER BY 1")
        assert rows[1:] == [["AA", None], ["BB", "1"], ["DL", "7"]]

    @pytest.mark.slow
    def test_a_plan_is_told_in_lines(self, lake):
        done = lake.run("EXPLAIN SELECT carrier, count(*) AS n FROM flights GROUP BY carrier")
        assert done["StatementType"] == "UTILITY" and len(lake.rows_of(done)) > 3

    @pytest.mark.slow
    def test_the_catalog_is_told(self, lake):
        here = f"table_schema = '{lake.name}' AND table_name = 'flights'"
        rows = lake.rows(f"SELECT data_type FROM information_schema.columns WHERE {here} ORDER BY 1")
        assert rows == [["data_type"], ["integer"], ["varchar"]]

    @pytest.mark.slow
    def test_an_answer_is_given_again(self, lake):
        text, again = f"SELECT '{named('once')}' AS once", {"ResultReuseByAgeConfiguration": {"Enabled": True}}
        first = lake.run(text)
        done = lake.run(text, ResultReuseConfiguration=again)
        assert done["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
        assert lake.rows_of(done) == lake.rows_of(first)

    @pytest.mark.slow
    def test_results_may_be_managed(self, lake):
        name = named("managed")
        configuration = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
        lake.athena.create_work_group(Name=name, Configuration=configuration)
        id = lake.athena.start_query_execution(QueryString="SELECT 'x' AS y", WorkGroup=name)["QueryExecutionId"]
        assert lake.rows_of(lake.ended(id, "SUCCEEDED")) == [["y"], ["x"]]

    @pytest.mark.slow
    def test_a_query_is_cancelled(self, lake, slow):
        id = lake.start(slow)
        assert lake.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] == "RUNNING"
        lake.athena.stop_query_execution(QueryExecutionId=id)
        assert lake.ended(id, "CANCELLED")["Status"]["StateChangeReason"] == "Query was cancelled by the user"

    @pytest.mark.slow
    def test_objects_that_may_not_be_read_fail_a_query(self, lake):
        iam, user = lake.lakemill.client("iam"), named("reader")
        iam.create_user(UserName=user)
        allowed = [{"Effect": "Allow", "Action": ["athena:*", "glue:*", "s3:*"], "Resource": "*"}]
        denied = [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{lake.bucket}/flights/1.csv"}]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed + denied})
        iam.put_user_policy(UserName=user, PolicyName="read", PolicyDocument=document)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        other = type(lake)(lake.lakemill, lake.name, access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        assert other.rows("SELECT 1 AS one") == [["one"], ["1"]]
        assert other.fails("SELECT carrier FROM flights").startswith(
            "PERMISSION_DENIED: Access Denied (Service: Amazon S3"
        )
