"""A table of people in the lake of a running lakemill, and a transform over it, for journeys."""

import csv
import io
import json
import time
import uuid

import pyarrow as pa
from pyarrow import csv as arrow_csv
from tests.unit.matching.people import people

ENDED = {"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LAZY = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    },
}


class Matching:
    """A bucket, a database with the table `people`, and a role that may read and write them."""

    def __init__(self, lakemill, count=150, duplicates=80):
        self.lakemill = lakemill
        self.glue, self.s3, self.iam = (lakemill.client(name) for name in ("glue", "s3", "iam"))
        self.name = f"match{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.name)
        self.role = self.new_role()
        self.people, entities = people(count, duplicates, seed=3)
        self.entity = dict(zip(self.people["id"].to_pylist(), entities.tolist(), strict=True))
        self.columns = self.people.column_names
        self.glue.create_database(DatabaseInput={"Name": self.name})
        out = pa.BufferOutputStream()
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
        arrow_csv.write_csv(self.people, out, options)
        self.put("people/1.csv", out.getvalue().to_pybytes())
        columns = [{"Name": name, "Type": "double" if name == "height" else "string"} for name in self.columns]
        self.table("people", columns, "people/")

    def table(self, name, columns, prefix):
        storage = LAZY | {"Columns": columns, "Location": f"s3://{self.name}/{prefix}"}
        table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
        self.glue.create_table(DatabaseName=self.name, TableInput=table)

    def new_role(self, *more):
        name = f"role-{uuid.uuid4().hex[:8]}"
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        resources = [f"arn:aws:s3:::{self.name}{end}" for end in ("", "/*")]
        allow = [
            {"Effect": "Allow", "Action": "s3:*", "Resource": resources},
            {"Effect": "Allow", "Action": ["glue:Get*", "glue:UseMLTransforms"], "Resource": "*"},
            *more,
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
        self.iam.put_role_policy(RoleName=name, PolicyName="lake", PolicyDocument=policy)
        return arn

    def put(self, key, body):
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)
        return f"s3://{self.name}/{key}"

    def read(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def definition(self, **members):
        parameters = {"PrimaryKeyColumnName": "id"} | members.pop("parameters", {})
        return {
            "Name": f"same-{uuid.uuid4().hex[:8]}",
            "InputRecordTables": [{"DatabaseName": self.name, "TableName": "people"}],
            "Parameters": {"TransformType": "FIND_MATCHES", "FindMatchesParameters": parameters},
            "Role": self.role,
        } | members

    def create(self, **members):
        return self.glue.create_ml_transform(**self.definition(**members))["TransformId"]

    def get(self, transform):
        return self.glue.get_ml_transform(TransformId=transform)

    def until(self, transform, run, *states):
        """The task run, once it is in one of the states (any that is an end, if none is given)."""
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            found = self.glue.get_ml_task_run(TransformId=transform, TaskRunId=run)
            if found["Status"] in (states or ENDED):
                return found
            assert found["Status"] not in ENDED, found
            time.sleep(0.05)
        raise TimeoutError(found)

    def done(self, transform, started):
        """A task run that succeeds."""
        found = self.until(transform, started["TaskRunId"])
        assert found["Status"] == "SUCCEEDED", found
        return found

    def questions(self, transform, prefix):
        """The key of a label file that a transform asks to be filled in."""
        started = self.glue.start_ml_labeling_set_generation_task_run(
            TransformId=transform, OutputS3Path=f"s3://{self.name}/{prefix}"
        )
        self.done(transform, started)
        return f"{prefix}{started['TaskRunId']}.csv"

    def answered(self, text):
        """A label file as somebody who knows the truth fills it in."""
        rows = list(csv.DictReader(io.StringIO(text)))
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"label": f"e{self.entity[row['id']]}"})
        return out.getvalue()

    def teach(self, transform, uri, **members):
        started = self.glue.start_import_labels_task_run(TransformId=transform, InputS3Path=uri, **members)
        return self.done(transform, started)
