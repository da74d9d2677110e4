"""Glue's Python shell jobs and triggers through boto3."""

import json
import re
import time
import uuid

import pytest
from botocore.exceptions import ClientError

ENDED = {"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
HOPELESS = "import sys; sys.exit(3)"


def error_of(caught):
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


class Site:
    """A lakemill with a bucket, a role that may read and write it, and jobs."""

    def __init__(self, lakemill):
        self.lakemill = lakemill
        self.glue, self.s3, self.logs = (lakemill.client(name) for name in ("glue", "s3", "logs"))
        self.iam = lakemill.client("iam")
        self.bucket = f"etl-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.role = self.new_role(TRUST)

    def new_role(self, trust):
        name = f"role-{uuid.uuid4().hex[:8]}"
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        allow = {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{self.bucket}{end}" for end in ("", "/*")],
        }
        policy = {"Version": "2012-10-17", "Statement": [allow]}
        self.iam.put_role_policy(RoleName=name, PolicyName="lake", PolicyDocument=json.dumps(policy))
        return arn

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def job(self, script, **members):
        """A job's name."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        location = self.put(f"scripts/{name}.py", script)
        command = {"Name": "pythonshell", "ScriptLocation": location, "PythonVersion": "3.9"}
        self.glue.create_job(**{"Name": name, "Role": self.role, "Command": command} | members)
        return name

    def start(self, job, **members):
        return self.glue.start_job_run(JobName=job, **members)["JobRunId"]

    def get(self, job, id, **members):
        return self.glue.get_job_run(JobName=job, RunId=id, **members)["JobRun"]

    def until(self, job, id, *states):
        """The run, once it is in one of the states (any that is an end, if none is given)."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            run = self.get(job, id)
            if run["JobRunState"] in (states or ENDED):
                return run
            assert run["JobRunState"] not in ENDED, run
            time.sleep(0.05)
        raise TimeoutError(run)

    def run(self, job, **members):
        return self.until(job, self.start(job, **members))

    def runs(self, job, count):
        """A job's runs, newest first, once there are so many and all have ended."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.glue.get_job_runs(JobName=job)["JobRuns"]
            if len(found) >= count and all(run["JobRunState"] in ENDED for run in found):
                return found
            time.sleep(0.05)
        raise TimeoutError(found)

    def lines(self, run, which="output"):
        events = self.logs.get_log_events(
            logGroupName=f"{run['LogGroupName']}/{which}", logStreamName=run["Id"], startFromHead=True
        )["events"]
        return [event["message"] for event in events]


@pytest.fixture(scope="module")
def site(lakemill):
    return Site(lakemill)


# A run


def test_a_script_runs_with_its_arguments_and_the_roles_keys(site):
    script = """
import sys, boto3
from awsglue.utils import getResolvedOptions
options = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "greeting", "fixed"])
print(options["JOB_NAME"], options["greeting"], options["fixed"], options["TempDir"])
print("oops", file=sys.stderr)
print(boto3.client("sts").get_caller_identity()["Arn"])
boto3.client("s3").put_object(Bucket=options["bucket"], Key="out/done", Body=options["greeting"])
"""
    job = site.job(
        script,
        DefaultArguments={"--greeting": "hello", "--bucket": site.bucket, "--TempDir": f"s3://{site.bucket}/tmp/"},
        NonOverridableArguments={"--fixed": "1"},
    )
    run = site.run(job, Arguments={"--greeting": "good day", "--fixed": "2"})
    assert run["JobRunState"] == "SUCCEEDED", (run, site.lines(run, "error"))
    assert re.fullmatch(r"jr_[0-9a-f]{64}", run["Id"])
    assert (run["Attempt"], run["LogGroupName"]) == (0, "/aws-glue/python-jobs")
    assert run["StartedOn"] <= run["CompletedOn"] and run["ExecutionTime"] >= 0
    first, second = site.lines(run)
    assert first == f"{job} good day 1 s3://{site.bucket}/tmp/"
    assert f":assumed-role/{site.role.rpartition('/')[2]}/" in second
    assert site.lines(run, "error") == ["oops"]
    assert site.s3.get_object(Bucket=site.bucket, Key="out/done")["Body"].read() == b"good day"


def test_a_script_works_with_pandas_on_the_lake(site):
    script = """
import io, sys, boto3, pandas
s3 = boto3.client("s3")
bucket = sys.argv[sys.argv.index("--bucket") + 1]
frame = pandas.read_csv(s3.get_object(Bucket=bucket, Key="raw/orders.csv")["Body"]).drop_duplicates()
frame.groupby("shop", as_index=False).amount.sum().to_parquet(out := io.BytesIO())
s3.put_object(Bucket=bucket, Key="shops/orders.parquet", Body=out.getvalue())
"""
    site.put("raw/orders.csv", "order,shop,amount\n1,a,2\n1,a,2\n2,b,5\n3,a,1\n")
    run = site.run(site.job(script), Arguments={"--bucket": site.bucket})
    assert run["JobRunState"] == "SUCCEEDED", site.lines(run, "error")
    import io

    import pandas

    found = pandas.read_parquet(
        io.BytesIO(site.s3.get_object(Bucket=site.bucket, Key="shops/orders.parquet")["Body"].read())
    )
    assert found.to_dict("records") == [{"shop": "a", "amount": 3}, {"shop": "b", "amount": 5}]
