"""Customers without duplicates by a Spark job of Glue: JSON in, a table of the Data Catalog out, no server to keep.

The job reads what came since its last run (a bookmark), settles a field that is a number in some records and text in
others, and keeps the latest version of each customer. It runs twice, with a new file in between; Athena counts.
"""

import json
import time
import uuid

import boto3

NAME = f"glue-customers-{uuid.uuid4().hex[:8]}"
DATABASE = NAME.replace("-", "_")
CUSTOMERS, SENT_TWICE, NEW = 300, 80, 20

SCRIPT = """
import sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import ResolveChoice
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import Window, functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "database"])
context = GlueContext(SparkContext.getOrCreate())
job = Job(context)
job.init(args["JOB_NAME"], args)

raw = context.create_dynamic_frame.from_options(
    connection_type="s3",
    connection_options={"paths": [f"s3://{args['bucket']}/raw/"]},
    format="json",
    transformation_ctx="raw",
)
print(raw.count(), "records are new")
clean = ResolveChoice.apply(raw, specs=[("zip", "cast:string")])
latest = Window.partitionBy("id").orderBy(F.desc("version"))
kept = clean.toDF().withColumn("place", F.row_number().over(latest)).where("place = 1").drop("place")

sink = context.getSink(
    connection_type="s3", path=f"s3://{args['bucket']}/customers/", enableUpdateCatalog=True, partitionKeys=["country"]
)
sink.setFormat("glueparquet")
sink.setCatalogInfo(catalogDatabase=args["database"], catalogTableName="customers")
sink.writeFrame(DynamicFrame.fromDF(kept, context, "kept"))
job.commit()
"""


def role():
    """A role for the job: the bucket and the catalog."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]},
        {"Effect": "Allow", "Action": "glue:*", "Resource": "*"},
    ]
    made = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(RoleName=NAME, PolicyName="rights", PolicyDocument=policy(*rights))
    return made["Role"]["Arn"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def customers(first, last, version):
    """JSON Lines; every third zip code is text."""
    rows = [
        {
            "id": number,
            "version": version,
            "country": ("DE", "FR")[number % 2],
            "zip": f"{number:05d}" if number % 3 == 0 else 10000 + number,
        }
        for number in range(first, last)
    ]
    return "\n".join(map(json.dumps, rows))


def run(glue, job):
    """Start the job and wait; what it printed."""
    id = glue.start_job_run(JobName=job)["JobRunId"]
    while (found := glue.get_job_run(JobName=job, RunId=id)["JobRun"])["JobRunState"] in ("STARTING", "RUNNING"):
        time.sleep(0.5)
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")
    log = boto3.client("logs").get_log_events(
        logGroupName=f"{found['LogGroupName']}/output", logStreamName=id, startFromHead=True
    )
    return log["events"][0]["message"]


def count():
    """How many customers Athena finds."""
    athena = boto3.client("athena")
    id = athena.start_query_execution(
        QueryString="SELECT count(*), count(DISTINCT id) FROM customers",
        QueryExecutionContext={"Database": DATABASE},
        ResultConfiguration={"OutputLocation": f"s3://{NAME}/results/"},
    )["QueryExecutionId"]
    while (state := athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"])["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(0.2)
    assert state["State"] == "SUCCEEDED", state
    row = athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"][1]["Data"]
    return [int(one["VarCharValue"]) for one in row]


def main():
    glue, s3 = boto3.client("glue"), boto3.client("s3")
    s3.create_bucket(Bucket=NAME)
    glue.create_database(DatabaseInput={"Name": DATABASE})
    s3.put_object(Bucket=NAME, Key="raw/1.json", Body=customers(0, CUSTOMERS, 1))
    s3.put_object(Bucket=NAME, Key="raw/2.json", Body=customers(0, SENT_TWICE, 2))
    s3.put_object(Bucket=NAME, Key="scripts/job.py", Body=SCRIPT)
    glue.create_job(
        Name=NAME,
        Role=role(),
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{NAME}/scripts/job.py", "PythonVersion": "3"},
        GlueVersion="4.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=10,
        DefaultArguments={
            "--bucket": NAME,
            "--database": DATABASE,
            "--job-bookmark-option": "job-bookmark-enable",
        },
    )
    print(f"first run: {run(glue, NAME)}")
    s3.put_object(Bucket=NAME, Key="raw/3.json", Body=customers(CUSTOMERS, CUSTOMERS + NEW, 1))
    print(f"second run: {run(glue, NAME)}")
    rows, distinct = count()
    assert rows == distinct
    print(f"{rows} customers in {DATABASE}.customers, each of them once")


if __name__ == "__main__":
    main()
