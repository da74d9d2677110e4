"""Statements on the lake of a running lakemill, for journeys."""

import time

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
WAIT_S = 60


class Lake:
    """Athena with a bucket and a database of a test's own."""

    def __init__(self, lakemill, name, **keys):
        self.lakemill, self.name, self.bucket = lakemill, name, name.replace("_", "-")
        self.s3, self.athena = lakemill.client("s3"), lakemill.client("athena", **keys)
        self.glue = lakemill.client("glue")
        self.results = f"s3://{self.bucket}/results/"

    def make(self):
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.name})
        return self

    def csv_table(self, table, columns, *files):
        """A table over CSV files without header. columns: `a int, b string`."""
        for number, text in enumerate(files):
            self.s3.put_object(Bucket=self.bucket, Key=f"{table}/{number}.csv", Body=text.encode())
        self.run(
            f"CREATE EXTERNAL TABLE {table} ({columns}) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
            f"LOCATION 's3://{self.bucket}/{table}/'"
        )

    def start(self, text, **given):
        given.setdefault("ResultConfiguration", {"OutputLocation": self.results})
        given.setdefault("QueryExecutionContext", {"Database": self.name})
        return self.athena.start_query_execution(QueryString=text, **given)["QueryExecutionId"]

    def ended(self, id, state=None):
        """The execution once it has ended."""
        for _ in range(WAIT_S * 50):
            found = self.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]
            if found["Status"]["State"] in ENDED:
                reason = found["Status"].get("StateChangeReason", "")
                assert state is None or found["Status"]["State"] == state, reason
                return found
            time.sleep(0.02)
        raise AssertionError(f"{id} has not ended")

    def run(self, text, **given):
        """An execution that succeeds."""
        return self.ended(self.start(text, **given), "SUCCEEDED")

    def fails(self, text, **given):
        """Why a statement fails."""
        return self.ended(self.start(text, **given), "FAILED")["Status"]["StateChangeReason"]

    def rows(self, text, **given):
        """All rows of a statement, texts and None."""
        return self.rows_of(self.run(text, **given))

    def rows_of(self, execution, size=1000):
        rows, wanted = [], {"QueryExecutionId": execution["QueryExecutionId"], "MaxResults": size}
        while True:
            answer = self.athena.get_query_results(**wanted)
            rows += [[one.get("VarCharValue") for one in row["Data"]] for row in answer["ResultSet"]["Rows"]]
            if "NextToken" not in answer:
                return rows
            wanted["NextToken"] = answer["NextToken"]

    def text(self, uri):
        """An object's bytes."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
