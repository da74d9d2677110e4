"""Glue's Python shell jobs and triggers through boto3."""

import contextlib
import io
import json
import re
import time
import uuid
import zipfile

import pandas
import pytest
from botocore.exceptions import ClientError

ENDED = {"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


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

    def until_printed(self, run):
        """Wait for the first line that a run prints."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(self.logs.exceptions.ResourceNotFoundException):
                if self.lines(run):
                    return
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
    found = pandas.read_parquet(
        io.BytesIO(site.s3.get_object(Bucket=site.bucket, Key="shops/orders.parquet")["Body"].read())
    )
    assert found.to_dict("records") == [{"shop": "a", "amount": 3}, {"shop": "b", "amount": 5}]


def test_libraries_and_files_come_from_s3(site):
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as archive:
        archive.writestr("packed/__init__.py", "value = 'zip'")
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "wheeled/__init__.py", "from pathlib import Path; value = Path(__file__).with_name('v').read_text()"
        )
        archive.writestr("wheeled/v", "wheel")
    places = [
        site.put("libs/plain.py", "value = 'py'"),
        site.put("libs/packed.zip", library.getvalue()),
        site.put("libs/wheeled-1.0-py3-none-any.whl", wheel.getvalue()),
    ]
    script = (
        "import plain, packed, wheeled; print(plain.value, packed.value, wheeled.value, open('settings.txt').read())"
    )
    arguments = {
        "--extra-py-files": ",".join(places[:2]),
        "--additional-python-modules": f"{places[2]},boto3",
        "--extra-files": site.put("settings.txt", "here"),
    }
    run = site.run(site.job(script, DefaultArguments=arguments))
    assert run["JobRunState"] == "SUCCEEDED", site.lines(run, "error")
    assert site.lines(run) == ["py zip wheel here"]


# How it ends


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("def f():\n    raise ValueError('no rows')\nf()", "ValueError: no rows"),
        ("import sys; sys.exit(3)", "Command failed with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "Command failed with exit code 137"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_the_error_message_is_the_last_line_of_the_exception(site, script, message):
    run = site.run(site.job(script))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)


def test_the_role_decides_what_can_be_read(site):
    other = f"other-{uuid.uuid4().hex[:8]}"
    site.s3.create_bucket(Bucket=other)
    site.s3.put_object(Bucket=other, Key="a.py", Body="print(1)")
    job = site.job("print(1)")
    run = site.run(job, Arguments={"--scriptLocation": f"s3://{other}/a.py"})
    assert run["JobRunState"] == "FAILED" and f"s3://{other}/a.py cannot be read" in run["ErrorMessage"]
    run = site.run(job, Arguments={"--scriptLocation": f"s3://{site.bucket}/missing.py"})
    assert run["JobRunState"] == "FAILED" and "missing.py" in run["ErrorMessage"]


def test_a_run_that_failed_is_tried_again(site):
    script = "import sys; print('again' if 'attempt' in sys.argv[sys.argv.index('--JOB_RUN_ID') + 1] else 1 / 0)"
    job = site.job(script, MaxRetries=2)
    first = site.start(job)
    again, failed = site.runs(job, 2)
    assert (failed["Id"], failed["JobRunState"]) == (first, "FAILED")
    assert (again["Id"], again["Attempt"], again["PreviousRunId"]) == (f"{first}_attempt_1", 1, first)
    assert again["JobRunState"] == "SUCCEEDED" and site.lines(again) == ["again"]


def test_runs_are_limited_and_can_be_stopped(site):
    job = site.job("import time; print('up'); time.sleep(60)", MaxRetries=1)
    id = site.start(job)
    with pytest.raises(ClientError) as caught:
        site.start(job)
    assert error_of(caught) == ("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job}")
    site.until(job, id, "RUNNING")
    answer = site.glue.batch_stop_job_run(JobName=job, JobRunIds=[id, "jr_none"])
    assert [one["JobRunId"] for one in answer["SuccessfulSubmissions"]] == [id]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    run = site.until(job, id)
    assert run["JobRunState"] == "STOPPED" and "ErrorMessage" not in run
    assert len(site.runs(job, 1)) == 1
    answer = site.glue.batch_stop_job_run(JobName=job, JobRunIds=[id])
    assert answer["Errors"][0]["ErrorDetail"]["ErrorMessage"] == f"Job run {id} has ended: it is STOPPED."
    retried = site.start(job, JobRunId=id)
    assert retried == f"{id}_attempt_1"
    site.glue.batch_stop_job_run(JobName=job, JobRunIds=[retried])
    site.until(job, retried)


def test_a_run_goes_on_when_lakemill_is_killed(fresh):
    running = fresh()
    site = Site(running)
    script = """
import os, sys, time, boto3
s3, bucket = boto3.client("s3"), sys.argv[-1]
print("before", flush=True)
while True:
    try:
        s3.get_object(Bucket=bucket, Key="go")
        break
    except Exception:
        time.sleep(0.1)
print("after", os.getpid())
"""
    job = site.job(script)
    id = site.start(job, Arguments={"--bucket": site.bucket})
    site.until_printed(site.until(job, id, "RUNNING"))  # It has its keys then.
    running.kill()
    running.start()
    assert any("attached to it again" in line for line in running.lines), running.lines
    site.put("go", b"")
    run = site.until(job, id)
    assert run["JobRunState"] == "SUCCEEDED", site.lines(run, "error")
    before, after = site.lines(run)
    assert before == "before" and after.startswith("after ")
    assert len(site.runs(job, 1)) == 1


# Definitions


def test_a_job_comes_back_as_it_was_given(site):
    job = site.job(
        "print(1)", Description="x", Timeout=5, MaxRetries=1, MaxCapacity=1.0, GlueVersion="3.0", Tags={"a": "b"}
    )
    found = site.glue.get_job(JobName=job)["Job"]
    assert found["Command"]["Name"] == "pythonshell" and found["Role"] == site.role
    expected = {
        "Name": job,
        "Description": "x",
        "Timeout": 5,
        "MaxRetries": 1,
        "MaxCapacity": 1.0,
        "GlueVersion": "3.0",
    }
    assert expected.items() <= found.items() and found["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    update = {"Role": site.role.rpartition("/")[2], "Command": found["Command"], "DefaultArguments": {"--a": "1"}}
    assert site.glue.update_job(JobName=job, JobUpdate=update)["JobName"] == job
    updated = site.glue.get_job(JobName=job)["Job"]
    assert updated["DefaultArguments"] == {"--a": "1"} and updated["Timeout"] == 2880 and "Description" not in updated
    assert updated["LastModifiedOn"] >= updated["CreatedOn"] == found["CreatedOn"]
    assert site.run(job)["Timeout"] == 2880
    assert site.glue.batch_get_jobs(JobNames=[job, "none"])["JobsNotFound"] == ["none"]
    assert site.glue.list_jobs(Tags={"a": "b"})["JobNames"] == [job]
    assert job in [
        one["Name"]
        for page in site.glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 1})
        for one in page["Jobs"]
    ]
    assert site.glue.delete_job(JobName=job)["JobName"] == site.glue.delete_job(JobName=job)["JobName"] == job
    with pytest.raises(ClientError) as caught:
        site.glue.get_job(JobName=job)
    assert error_of(caught) == ("EntityNotFoundException", f"Job {job} not found.")


def test_jobs_and_triggers_have_tags(site):
    job = site.job("print(1)", Tags={"team": "lake"})
    site.glue.create_trigger(Name=f"t-{job}", Type="ON_DEMAND", Actions=[{"JobName": job}], Tags={"team": "lake"})
    for name in (f"job/{job}", f"trigger/t-{job}"):
        arn = f"arn:aws:glue:us-east-1:000000000000:{name}"
        site.glue.tag_resource(ResourceArn=arn, TagsToAdd={"cost": "1"})
        site.glue.untag_resource(ResourceArn=arn, TagsToRemove=["team"])
        assert site.glue.get_tags(ResourceArn=arn)["Tags"] == {"cost": "1"}
    for operation, members in [
        (site.glue.get_tags, {}),
        (site.glue.tag_resource, {"TagsToAdd": {"a": "b"}}),
    ]:
        with pytest.raises(ClientError) as caught:
            operation(ResourceArn="arn:aws:glue:us-east-1:000000000000:job/none", **members)
        assert error_of(caught)[0] == "EntityNotFoundException"


def test_a_role_must_trust_glue_and_be_passed(site, lakemill):
    service = json.loads(json.dumps(TRUST).replace("glue.", "lambda."))
    role = site.new_role(service)
    with pytest.raises(ClientError) as caught:
        site.job("print(1)", Role=role)
    assert error_of(caught) == (
        "InvalidInputException",
        f"Role {role} should be given assume role permissions for Glue Service.",
    )
    user = f"user-{uuid.uuid4().hex[:8]}"
    site.iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": "glue:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    site.iam.put_user_policy(UserName=user, PolicyName="glue", PolicyDocument=document)
    key = site.iam.create_access_key(UserName=user)["AccessKey"]
    theirs = lakemill.client("glue", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{site.bucket}/a.py"}
    with pytest.raises(ClientError) as caught:
        theirs.create_job(Name="no", Role=site.role, Command=command)
    code, message = error_of(caught)
    assert code == "AccessDeniedException" and "iam:PassRole" in message


# Triggers


def test_triggers_on_demand_and_on_conditions_make_a_chain(site):
    extract, clean, load, alarm = (site.job(text) for text in ("print(1)", "print(2)", "print('load')", "print('no')"))
    name = f"t-{extract}"
    site.glue.create_trigger(
        Name=name, Type="ON_DEMAND", Actions=[{"JobName": extract}, {"JobName": clean, "Arguments": {"--a": "1"}}]
    )
    conditions = [
        {"LogicalOperator": "EQUALS", "JobName": extract, "State": "SUCCEEDED"},
        {"LogicalOperator": "EQUALS", "JobName": clean, "State": "SUCCEEDED"},
    ]
    site.glue.create_trigger(
        Name=f"{name}-both",
        Type="CONDITIONAL",
        Predicate={"Logical": "AND", "Conditions": conditions},
        Actions=[{"JobName": load, "Timeout": 7}],
        StartOnCreation=True,
    )
    failed = [condition | {"State": "FAILED"} for condition in conditions]
    site.glue.create_trigger(
        Name=f"{name}-bad",
        Type="CONDITIONAL",
        Predicate={"Logical": "ANY", "Conditions": failed},
        Actions=[{"JobName": alarm}],
        StartOnCreation=True,
    )
    site.glue.start_trigger(Name=name)
    (run,) = site.runs(load, 1)
    assert (run["TriggerName"], run["JobRunState"], run["Timeout"]) == (f"{name}-both", "SUCCEEDED", 7)
    (one,), (two,) = site.runs(extract, 1), site.runs(clean, 1)
    assert one["TriggerName"] == two["TriggerName"] == name and two["Arguments"] == {"--a": "1"}
    before = site.get(load, run["Id"], PredecessorsIncluded=True)["PredecessorRuns"]
    assert {(each["JobName"], each["RunId"]) for each in before} == {(extract, one["Id"]), (clean, two["Id"])}
    assert site.glue.get_job_runs(JobName=alarm)["JobRuns"] == []
    # A run that nobody but its caller wanted is not watched.
    site.run(extract), site.run(clean)
    assert len(site.runs(load, 1)) == 1


def test_a_workflow_runs_its_jobs_and_hands_properties_on(site):
    first = site.job(
        """
import sys, boto3
from awsglue.utils import getResolvedOptions
options = getResolvedOptions(sys.argv, ["WORKFLOW_NAME", "WORKFLOW_RUN_ID"])
run = {"Name": options["WORKFLOW_NAME"], "RunId": options["WORKFLOW_RUN_ID"]}
glue = boto3.client("glue")
found = glue.get_workflow_run_properties(**run)["RunProperties"]
glue.put_workflow_run_properties(**run, RunProperties={"day": found["day"] + " done"})
"""
    )
    second = site.job("print('second')")
    policy = {"Effect": "Allow", "Action": "glue:*WorkflowRunProperties", "Resource": "*"}
    site.iam.put_role_policy(
        RoleName=site.role.rpartition("/")[2],
        PolicyName="properties",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    name = f"w-{first}"
    site.glue.create_workflow(Name=name, DefaultRunProperties={"day": "today", "a": "b"}, Tags={"team": "lake"})
    with pytest.raises(ClientError) as caught:
        site.glue.start_workflow_run(Name=name)
    assert "has no starting trigger" in error_of(caught)[1]
    site.glue.create_trigger(Name=f"{name}-go", WorkflowName=name, Type="ON_DEMAND", Actions=[{"JobName": first}])
    with pytest.raises(ClientError) as caught:
        site.glue.create_trigger(Name=f"{name}-2", WorkflowName=name, Type="ON_DEMAND", Actions=[{"JobName": first}])
    assert "has a starting trigger already" in error_of(caught)[1]
    condition = {"LogicalOperator": "EQUALS", "JobName": first, "State": "SUCCEEDED"}
    site.glue.create_trigger(
        Name=f"{name}-then",
        WorkflowName=name,
        Type="CONDITIONAL",
        Predicate={"Conditions": [condition]},
        Actions=[{"JobName": second}],
        StartOnCreation=True,
    )
    id = site.glue.start_workflow_run(Name=name, RunProperties={"day": "2026-01-31"})["RunId"]
    deadline = time.monotonic() + 60
    while (run := site.glue.get_workflow_run(Name=name, RunId=id)["Run"])["Status"] == "RUNNING":
        assert time.monotonic() < deadline, run
        time.sleep(0.05)
    assert run["Status"] == "COMPLETED"
    assert (run["Statistics"]["TotalActions"], run["Statistics"]["SucceededActions"]) == (2, 2), site.runs(first, 1)
    assert run["WorkflowRunProperties"] == {"day": "2026-01-31 done", "a": "b"}
    assert [one["WorkflowRunId"] for one in site.glue.get_workflow_runs(Name=name)["Runs"]] == [id]
    assert site.glue.get_workflow(Name=name)["Workflow"]["LastRun"]["WorkflowRunId"] == id
    assert name in site.glue.list_workflows()["Workflows"]
    assert site.glue.get_trigger(Name=f"{name}-then")["Trigger"]["WorkflowName"] == name
    site.glue.update_workflow(Name=name, MaxConcurrentRuns=2)
    found = site.glue.batch_get_workflows(Names=[name, "none"])
    assert (found["MissingWorkflows"], found["Workflows"][0]["MaxConcurrentRuns"]) == (["none"], 2)
    arn = f"arn:aws:glue:us-east-1:000000000000:workflow/{name}"
    assert site.glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "lake"}
    with pytest.raises(ClientError) as caught:
        site.glue.stop_workflow_run(Name=name, RunId=id)
    assert error_of(caught)[0] == "IllegalWorkflowStateException"
    site.glue.delete_workflow(Name=name)
    assert site.glue.batch_get_triggers(TriggerNames=[f"{name}-go"])["TriggersNotFound"] == [f"{name}-go"]


def test_a_trigger_has_states(site):
    job = site.job("print(1)")
    name = f"t-{job}"
    site.glue.create_trigger(Name=name, Type="SCHEDULED", Schedule="cron(0 12 * * ? *)", Actions=[{"JobName": job}])

    def state():
        return site.glue.get_trigger(Name=name)["Trigger"]["State"]

    assert state() == "CREATED"
    site.glue.start_trigger(Name=name)
    assert state() == "ACTIVATED"
    site.glue.stop_trigger(Name=name)
    assert state() == "DEACTIVATED"
    update = {"Schedule": "cron(15 12 ? * MON-FRI *)", "Actions": [{"JobName": job}], "Description": "x"}
    updated = site.glue.update_trigger(Name=name, TriggerUpdate=update)["Trigger"]
    assert (updated["Schedule"], updated["Description"], updated["Type"]) == (update["Schedule"], "x", "SCHEDULED")
    assert name in site.glue.list_triggers(DependentJobName=job)["TriggerNames"]
    assert [one["Name"] for one in site.glue.get_triggers(DependentJobName=job)["Triggers"]] == [name]
    found = site.glue.batch_get_triggers(TriggerNames=[name, "none"])
    assert found["TriggersNotFound"] == ["none"] and found["Triggers"][0]["Name"] == name
    site.glue.delete_trigger(Name=name)
    with pytest.raises(ClientError) as caught:
        site.glue.get_trigger(Name=name)
    assert error_of(caught) == ("EntityNotFoundException", f"Trigger {name} not found.")


@pytest.mark.slow
def test_every_run_starts_the_next_one_once_however_often_lakemill_is_killed(fresh):
    running = fresh()
    site = Site(running)
    several = {"ExecutionProperty": {"MaxConcurrentRuns": 50}}
    first, second = site.job("print(1)", **several), site.job("print(2)", **several)
    site.glue.create_trigger(Name="go", Type="ON_DEMAND", Actions=[{"JobName": first}])
    site.glue.create_trigger(
        Name="then",
        Type="CONDITIONAL",
        Predicate={"Conditions": [{"LogicalOperator": "EQUALS", "JobName": first, "State": "SUCCEEDED"}]},
        Actions=[{"JobName": second}],
        StartOnCreation=True,
    )
    for number in range(20):
        site.glue.start_trigger(Name="go")
        if number % 4 == 3:
            time.sleep(0.03 * number)
            running.kill()
            running.start()
    ones, twos = site.runs(first, 20), site.runs(second, 20)
    assert {run["JobRunState"] for run in ones + twos} == {"SUCCEEDED"}
    before = [site.get(second, run["Id"], PredecessorsIncluded=True)["PredecessorRuns"] for run in twos]
    assert sorted(one["RunId"] for (one,) in before) == sorted(run["Id"] for run in ones)
    assert [site.lines(run) for run in ones] == [["1"]] * 20
    assert [site.lines(run) for run in twos] == [["2"]] * 20
