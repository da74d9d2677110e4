"""Spark jobs of a running lakemill, for journeys."""

import json

from tests.journeys.test_glue_jobs import Site

HEAD = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
bucket = args["bucket"]
glueContext = GlueContext(SparkContext.getOrCreate())
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)

def s3(path):
    return f"s3://{bucket}/{path}"

def read(path, format="json", context="", **options):
    return glueContext.create_dynamic_frame.from_options(
        connection_type="s3", connection_options={"paths": [s3(path)], "recurse": True}, format=format,
        format_options=options, transformation_ctx=context)
"""
TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


class SparkSite(Site):
    """A site whose role may use the catalog too, with a database."""

    def __init__(self, lakemill):
        super().__init__(lakemill)
        self.database = self.bucket.replace("-", "_")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.allow("catalog", ["glue:*"], "*")

    def allow(self, name, actions, resource):
        policy = {"Effect": "Allow", "Action": actions, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
        self.iam.put_role_policy(RoleName=self.role.rpartition("/")[2], PolicyName=name, PolicyDocument=document)

    def spark_job(self, script, arguments=None, **members):
        """A job's name. arguments: by their names without dashes."""
        location = self.put("scripts/spark.py", "")
        given = {"bucket": self.bucket} | (arguments or {})
        return self.job(
            "",
            **{
                "Command": {"Name": "glueetl", "ScriptLocation": self.script(script, location), "PythonVersion": "3"},
                "GlueVersion": "4.0",
                "WorkerType": "G.1X",
                "NumberOfWorkers": 2,
                "DefaultArguments": {f"--{name}": value for name, value in given.items()},
            }
            | members,
        )

    def script(self, text, location):
        self.scripts = getattr(self, "scripts", 0) + 1
        return self.put(f"scripts/spark-{self.scripts}.py", HEAD + text)

    def succeeded(self, job, **members):
        """A run, and what it printed."""
        run = self.run(job, **members)
        assert run["JobRunState"] == "SUCCEEDED", (run.get("ErrorMessage"), self.lines(run, "error"))
        return run, self.lines(run)

    def keys(self, prefix):
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def csv_table(self, name, columns, keys=(), **parameters):
        """A table of CSV files with a header below its name; partitions are added by `partition`."""
        storage = TEXT | {
            "Columns": [{"Name": column, "Type": type} for column, type in columns],
            "Location": f"s3://{self.bucket}/{name}/",
            "SerdeInfo": {"SerializationLibrary": LAZY, "Parameters": {"field.delim": ","}},
        }
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "csv", "skip.header.line.count": "1"} | parameters,
            "PartitionKeys": [{"Name": key, "Type": type} for key, type in keys],
            "StorageDescriptor": storage,
        }
        self.glue.create_table(DatabaseName=self.database, TableInput=table)
        return storage

    def partition(self, table, storage, values, location):
        entry = {"Values": values, "StorageDescriptor": storage | {"Location": f"s3://{self.bucket}/{location}"}}
        self.glue.create_partition(DatabaseName=self.database, TableName=table, PartitionInput=entry)
