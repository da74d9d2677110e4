"""Orders in CSV made into Parquet by a Glue job: what was sent twice is dropped, and a second job sums up after it.

The script of the first job keeps the latest version of each order. A trigger starts it, and another one starts the
second job once the first has succeeded.
"""

import csv
import io
import json
import time
import uuid

import boto3

NAME = f"glue-orders-{uuid.uuid4().hex[:8]}"
ORDERS, SENT_TWICE = 300, 50

CLEAN = """
import sys
import boto3, duckdb
from awsglue.utils import getResolvedOptions

bucket = getResolvedOptions(sys.argv, ["bucket"])["bucket"]
s3 = boto3.client("s3")
s3.download_file(bucket, "raw/orders.csv", "orders.csv")
duckdb.sql('''
    COPY (
        SELECT * FROM 'orders.csv' QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1 ORDER BY id
    ) TO 'orders.parquet' (FORMAT parquet)
''')
s3.upload_file("orders.parquet", bucket, "orders/orders.parquet")
print(duckdb.sql("SELECT count(*) FROM 'orders.csv'").fetchone()[0], "rows read")
"""

SUM_UP = """
import json, sys
import boto3, duckdb
from awsglue.utils import getResolvedOptions

bucket = getResolvedOptions(sys.argv, ["bucket"])["bucket"]
s3 = boto3.client("s3")
s3.download_file(bucket, "orders/orders.parquet", "orders.parquet")
orders, worth = duckdb.sql("SELECT count(*), sum(amount) FROM 'orders.parquet'").fetchone()
s3.put_object(Bucket=bucket, Key="report.json", Body=json.dumps({"orders": orders, "worth": int(worth)}))
"""


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role():
    """A role for the jobs: they may read and write the bucket, and nothing else."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{NAME}/*"}
    made = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(RoleName=NAME, PolicyName="rights", PolicyDocument=policy(rights))
    return made["Role"]["Arn"]


def orders():
    """CSV: the first orders come twice, with another amount the second time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "version", "amount"])
    writer.writerows([number, 1, 10] for number in range(ORDERS))
    writer.writerows([number, 2, 20] for number in range(SENT_TWICE))
    return text.getvalue().encode()


def until_ended(glue, job):
    """A job's only run, once it has ended."""
    while True:
        for run in glue.get_job_runs(JobName=job)["JobRuns"]:
            if run["JobRunState"] not in ("STARTING", "RUNNING"):
                return run
        time.sleep(0.2)


def main():
    glue, s3 = boto3.client("glue"), boto3.client("s3")
    s3.create_bucket(Bucket=NAME)
    s3.put_object(Bucket=NAME, Key="raw/orders.csv", Body=orders())
    arn, clean, sum_up = role(), f"{NAME}-clean", f"{NAME}-sum-up"
    for job, script in ((clean, CLEAN), (sum_up, SUM_UP)):
        s3.put_object(Bucket=NAME, Key=f"scripts/{job}.py", Body=script.encode())
        glue.create_job(
            Name=job,
            Role=arn,
            Command={
                "Name": "pythonshell",
                "ScriptLocation": f"s3://{NAME}/scripts/{job}.py",
                "PythonVersion": "3.9",
            },
            DefaultArguments={"--bucket": NAME, "--additional-python-modules": "duckdb"},
            MaxCapacity=0.0625,
            Timeout=10,
        )
    glue.create_trigger(Name=f"{NAME}-go", Type="ON_DEMAND", Actions=[{"JobName": clean}])
    glue.create_trigger(
        Name=f"{NAME}-then",
        Type="CONDITIONAL",
        Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "JobName": clean, "State": "SUCCEEDED"}]},
        Actions=[{"JobName": sum_up}],
        StartOnCreation=True,
    )
    glue.start_trigger(Name=f"{NAME}-go")

    run = until_ended(glue, clean)
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    log = boto3.client("logs").get_log_events(
        logGroupName=f"{run['LogGroupName']}/output", logStreamName=run["Id"], startFromHead=True
    )
    print(f"{clean}: {log['events'][0]['message']}")
    run = until_ended(glue, sum_up)
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    report = json.loads(s3.get_object(Bucket=NAME, Key="report.json")["Body"].read())
    print(f"{report['orders']} orders worth {report['worth']} in s3://{NAME}/orders/, started by {run['TriggerName']}")


if __name__ == "__main__":
    main()
