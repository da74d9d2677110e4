"""Glue's ML transforms through boto3: asked for labels, taught, measured, tuned, applied."""

import csv
import datetime
import io
import json
import time

import botocore.session
import numpy as np
import pytest
from botocore.exceptions import ClientError
from tests.journeys.matching import Matching
from tests.unit.matching.people import pair_f1

from lakemill.matching import FindMatches, labels
from lakemill.mltransforms import applying, pulling


@pytest.fixture(scope="session")
def matching(lakemill):
    return Matching(lakemill)


@pytest.fixture(scope="session")
def taught(matching):
    """A transform that was asked for questions and got the right answers; the answers."""
    transform = matching.create(Description="who is who", Tags={"team": "data"})
    key = matching.questions(transform, "ask/")
    answers = matching.answered(matching.read(key).decode())
    matching.teach(transform, matching.put("answers.csv", answers))
    matching.done(transform, matching.glue.start_ml_evaluation_task_run(TransformId=transform))
    return transform, answers


def session_of(lakemill, key, secret):
    """botocore's, as the environment of a job's program would have it make one."""
    session = botocore.session.Session()
    session.set_credentials(key, secret)
    session.set_config_variable("region", "us-east-1")
    session.get_component("config_store").set_config_variable("endpoint_url", lakemill.endpoint)
    return session


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_transform_learns_from_the_answers_to_its_questions(matching, taught):
    transform, answers = taught
    rows = list(csv.reader(io.StringIO(answers)))
    assert rows[0] == ["labeling_set_id", "label", *matching.columns]
    assert len(rows) == 101 and len({row[0] for row in rows[1:]}) == 10
    found = matching.get(transform)
    assert (found["Status"], found["LabelCount"]) == ("READY", 100)
    assert found["Schema"][-1] == {"Name": "height", "DataType": "double"}
    own = FindMatches("id").fit(matching.people, labels.read(answers.encode(), "id"))
    wanted = own.evaluate(matching.people, labels.read(answers.encode(), "id"))
    metrics = found["EvaluationMetrics"]["FindMatchesMetrics"]
    assert metrics["F1"] == pytest.approx(wanted.f1) and metrics["F1"] > 0.9
    assert metrics["AreaUnderPRCurve"] == pytest.approx(wanted.area_under_pr_curve)
    assert metrics["ConfusionMatrix"]["NumTruePositives"] == wanted.true_positives
    assert [one["Importance"] for one in metrics["ColumnImportances"]] == sorted(
        wanted.column_importances.values(), reverse=True
    )


def test_a_job_gets_the_transform_with_its_roles_keys_and_applies_it(lakemill, matching, taught):
    session = session_of(lakemill, lakemill.access_key_id, lakemill.secret)
    matcher = pulling.matcher(taught[0], session)
    found = applying.find_matches(matching.people, matcher, scores=True)
    ids = found.column("match_id").to_numpy()
    entities = np.array([matching.entity[key] for key in found.column("id").to_pylist()])
    assert pair_f1(ids, entities)[2] > 0.9
    assert found.column_names == [*matching.columns, "match_id", "match_confidence_score"]
    both = applying.find_incremental_matches(found.slice(0, 200), matching.people.slice(200), matcher)
    assert both.column("match_id").to_pylist()[:200] == ids.tolist()[:200]
    assert both.column_names == [*matching.columns, "match_id"]
    assert pair_f1(both.column("match_id").to_numpy(), entities)[2] > 0.9


def test_a_transform_is_given_to_those_only_who_may_use_it(lakemill, matching, taught):
    iam, name = matching.iam, f"user-{matching.name}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = session_of(lakemill, key["AccessKeyId"], key["SecretAccessKey"])
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher(taught[0], session)
    assert caught.value.code == "AccessDeniedException"
    assert f"glue:UseMLTransforms on resource: arn:aws:glue:us-east-1:000000000000:mlTransform/{taught[0]}" in str(
        caught.value
    )
    root = session_of(lakemill, lakemill.access_key_id, lakemill.secret)
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher(matching.create(), root)
    assert caught.value.code == "MLTransformNotReadyException"
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher("tfm-none", root)
    assert caught.value.code == "EntityNotFoundException"


# Labels, and what is done with them


def test_labels_come_out_as_they_went_in(matching, taught):
    transform, answers = taught
    started = matching.glue.start_export_labels_task_run(
        TransformId=transform, OutputS3Path=f"s3://{matching.name}/out/all.csv"
    )
    run = matching.done(transform, started)
    assert matching.read("out/all.csv").decode() == answers
    assert run["Properties"]["ExportLabelsTaskRunProperties"] == {"OutputS3Path": f"s3://{matching.name}/out/all.csv"}
    logs = matching.lakemill.client("logs")
    events = logs.get_log_events(
        logGroupName=f"{run['LogGroupName']}/output", logStreamName=run["TaskRunId"], startFromHead=True
    )["events"]
    assert [event["message"] for event in events][-1] == f"Labels: s3://{matching.name}/out/all.csv"


def test_task_runs_are_listed_by_kind_and_status(matching, taught):
    def kinds(**request):
        found = matching.glue.get_ml_task_runs(TransformId=taught[0], **request)["TaskRuns"]
        return [run["Properties"]["TaskType"] for run in found]

    first = ["LABELING_SET_GENERATION", "IMPORT_LABELS", "EVALUATION"]
    oldest = {"Column": "STARTED", "SortDirection": "ASCENDING"}
    assert kinds(Sort=oldest)[:3] == first
    assert kinds(Filter={"TaskRunType": "EVALUATION"}) == ["EVALUATION"]
    assert kinds(Filter={"Status": "FAILED"}) == []
    some = matching.glue.get_ml_task_runs(TransformId=taught[0], Sort=oldest, MaxResults=2)
    assert kinds(Sort=oldest, MaxResults=1, NextToken=some["NextToken"]) == first[2:]
    begun, hour = some["TaskRuns"][0]["StartedOn"], datetime.timedelta(hours=1)
    assert kinds(Sort=oldest, Filter={"StartedBefore": begun + hour, "StartedAfter": begun - hour})[:3] == first
    assert kinds(Filter={"StartedBefore": begun - hour}) == kinds(Filter={"StartedAfter": begun + hour}) == []


def test_the_dials_are_turned_without_learning_again(matching, taught):
    transform = taught[0]
    before = matching.get(transform)
    parameters = {"PrecisionRecallTradeoff": 0.9, "EnforceProvidedLabels": True}
    matching.glue.update_ml_transform(
        TransformId=transform,
        Parameters={"TransformType": "FIND_MATCHES", "FindMatchesParameters": parameters},
        WorkerType="G.2X",
        NumberOfWorkers=3,
    )
    found = matching.get(transform)
    whole = before["Parameters"]["FindMatchesParameters"] | parameters
    assert found["Parameters"]["FindMatchesParameters"] == whole
    assert (found["Status"], found["MaxCapacity"], found["LabelCount"]) == ("READY", 6.0, 100)
    assert found["LastModifiedOn"] > before["LastModifiedOn"]
    matcher = pulling.matcher(
        transform, session_of(matching.lakemill, matching.lakemill.access_key_id, matching.lakemill.secret)
    )
    assert matcher.precision_recall_tradeoff == 0.9 and matcher.enforce_provided_labels
    matching.glue.update_ml_transform(TransformId=transform, Parameters=before["Parameters"], MaxCapacity=10.0)
    assert "WorkerType" not in matching.get(transform)


def test_a_task_run_fails_with_what_the_role_may_not(matching):
    reader = matching.new_role({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"})
    transform = matching.create(Role=reader)
    started = matching.glue.start_ml_labeling_set_generation_task_run(
        TransformId=transform, OutputS3Path=f"s3://{matching.name}/denied/"
    )
    run = matching.until(transform, started["TaskRunId"])
    assert (run["Status"], "CompletedOn" in run) == ("FAILED", True)
    assert "Access Denied" in run["ErrorString"]
    place = f"s3://{matching.name}/people/1.csv"
    code, message = refused(matching.glue.start_import_labels_task_run, TransformId=transform, InputS3Path=place)
    assert code == "InvalidInputException"
    assert message.startswith(f"Cannot access the label file at {place}. User: arn:aws:sts::000000000000:assumed-role/")
    assert (
        f"is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{matching.name}/people/1.csv" in message
    )


def test_a_transform_that_is_deleted_stops_its_task_runs(matching):
    transform = matching.create()
    ask = {"TransformId": transform, "OutputS3Path": f"s3://{matching.name}/never/"}
    run = matching.glue.start_ml_labeling_set_generation_task_run(**ask)["TaskRunId"]
    answer = matching.glue.cancel_ml_task_run(TransformId=transform, TaskRunId=run)
    assert answer["Status"] in ("STOPPING", "STOPPED")
    assert matching.until(transform, run)["Status"] == "STOPPED"
    assert refused(matching.glue.cancel_ml_task_run, TransformId=transform, TaskRunId=run) == (
        "InvalidInputException",
        f"ML Task Run {run} has ended: it is STOPPED.",
    )
    matching.glue.start_ml_labeling_set_generation_task_run(**ask)
    matching.glue.delete_ml_transform(TransformId=transform)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and matching.glue.get_ml_transforms(Filter={"Status": "DELETING"})["Transforms"]:
        time.sleep(0.05)
    missing = ("EntityNotFoundException", f"Cannot find MLTransform in account 000000000000 with handle {transform}.")
    assert refused(matching.get, transform=transform) == missing
    assert refused(matching.glue.get_ml_task_runs, TransformId=transform) == missing
    assert "Contents" not in matching.s3.list_objects_v2(Bucket=matching.name, Prefix="never/")


@pytest.mark.slow
def test_a_task_run_outlives_lakemill(fresh):
    lakemill = fresh()
    matching = Matching(lakemill, 20, 20)
    transform = matching.create()
    started = matching.glue.start_ml_labeling_set_generation_task_run(
        TransformId=transform, OutputS3Path=f"s3://{matching.name}/ask/"
    )["TaskRunId"]
    matching.until(transform, started, "RUNNING")
    lakemill.kill()
    lakemill.start()
    told = ("still running", "ended meanwhile")  # On a busy machine lakemill is away for longer than it takes.
    assert any(what in line for line in lakemill.lines for what in told), lakemill.lines
    found = matching.until(transform, started)
    assert found["Status"] == "SUCCEEDED", found["ErrorString"]
    assert matching.read(f"ask/{started}.csv").startswith(b"labeling_set_id,label,id,")


# What there is


def test_transforms_are_found_by_what_they_are(matching):
    prefix = matching.name
    made = [matching.create(Name=f"{prefix}-{number}", Tags={"of": prefix, "n": str(number)}) for number in range(3)]
    ask = {"Tags": {"of": prefix}, "Sort": {"Column": "NAME", "SortDirection": "DESCENDING"}}
    page = matching.glue.list_ml_transforms(**ask, MaxResults=2)
    assert page["TransformIds"] == [made[2], made[1]]
    assert matching.glue.list_ml_transforms(**ask, NextToken=page["NextToken"])["TransformIds"] == [made[0]]
    assert matching.glue.list_ml_transforms(Tags={"of": prefix, "n": "1"})["TransformIds"] == [made[1]]

    def names(**wanted):
        found = matching.glue.get_ml_transforms(Filter=wanted, Sort={"Column": "NAME", "SortDirection": "ASCENDING"})
        return [one["Name"] for one in found["Transforms"] if one["Name"].startswith(f"{prefix}-")]

    every = [f"{prefix}-{number}" for number in range(3)]
    assert names(Name=every[0]) == every[:1]
    assert names(Status="NOT_READY", TransformType="FIND_MATCHES", GlueVersion="0.9") == every
    assert names(GlueVersion="2.0") == names(Status="READY") == []
    made_on, hour = matching.get(made[0])["CreatedOn"], datetime.timedelta(hours=1)
    assert names(CreatedAfter=made_on - hour, LastModifiedBefore=made_on + hour) == every
    assert names(CreatedBefore=made_on - hour) == names(LastModifiedAfter=made_on + hour) == []
    assert names(Schema=[{"Name": "height", "DataType": "double"}]) == every
    assert names(Schema=[{"Name": "height", "DataType": "int"}]) == []
    arn = f"arn:aws:glue:us-east-1:000000000000:mlTransform/{made[0]}"
    matching.glue.tag_resource(ResourceArn=arn, TagsToAdd={"more": "1"})
    assert matching.glue.get_tags(ResourceArn=arn)["Tags"] == {"of": prefix, "n": "0", "more": "1"}
    assert refused(matching.create, Name=every[0]) == (
        "AlreadyExistsException",
        f"Transform with name {every[0]} already exists.",
    )
    update = matching.glue.update_ml_transform
    assert refused(update, TransformId=made[1], Name=every[0])[0] == "AlreadyExistsException"
    update(TransformId=made[1], Name=every[1], Description="same name")
    key = {"TransformType": "FIND_MATCHES", "FindMatchesParameters": {"PrimaryKeyColumnName": "height"}}
    assert refused(update, TransformId=made[1], Parameters=key) == (
        "InvalidInputException",
        "The primary key height must be a string or a whole number; it is double.",
    )


# What is refused


def findings(**parameters):
    return {"TransformType": "FIND_MATCHES", "FindMatchesParameters": parameters}


WRONG = [
    ({"InputRecordTables": []}, "An AWS Glue Table input source should be specified in transform."),
    ({"InputRecordTables": [{"DatabaseName": "d", "TableName": "t"}] * 2},
     "Exactly one input record table must be provided."),
    ({"InputRecordTables": [{"DatabaseName": "nowhere", "TableName": "t"}]},
     "Problem fetching the data catalog schema: Database nowhere not found."),
    ({"InputRecordTables": [{"DatabaseName": "d", "TableName": "t", "ConnectionName": "c"}]},
     "ConnectionName is not supported: there are no connections to catalogs."),
    ({"Parameters": {"TransformType": "FIND_MATCHES"}}, "Find Matches parameters have not been set."),
    ({"Parameters": findings(PrecisionRecallTradeoff=0.5)},
     "A primary key must be specified in Find Matches parameters."),
    ({"Parameters": findings(PrimaryKeyColumnName="nr")}, "Schema should contain given primary key: nr."),
    ({"Parameters": findings(PrimaryKeyColumnName="height")},
     "The primary key height must be a string or a whole number; it is double."),
    ({"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2},
     "Cannot set Max Capacity and Worker Num/Type at the same time."),
    ({"WorkerType": "G.1X"}, "Both WorkerType and NumberOfWorkers should be set."),
    ({"NumberOfWorkers": 2}, "Both WorkerType and NumberOfWorkers should be set."),
    ({"MaxCapacity": 0.5}, "MaxCapacity should be >= 1.0."),
    ({"WorkerType": "G.1X", "NumberOfWorkers": 0}, "NumberOfWorkers should be >= 1."),
    ({"WorkerType": "Z.2X", "NumberOfWorkers": 2}, "WorkerType must be one of Standard, G.1X, G.2X; got Z.2X."),
    ({"MaxRetries": -1}, "Max retries should be non-negative."),
    ({"GlueVersion": "7.0"}, "GlueVersion must be one of 0.9, 1.0, 2.0, 3.0, 4.0, 5.0, 5.1; got 7.0."),
    ({"Role": "nobody"}, "Role arn:aws:iam::000000000000:role/nobody should be given assume role permissions for Glue "
     "Service."),
    ({"TransformEncryption": {"TaskRunSecurityConfigurationName": "s"}},
     "TaskRunSecurityConfigurationName is not supported: security configurations are not provided."),
]  # fmt: skip


@pytest.mark.parametrize(("members", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_a_transform_is_refused_with_the_reason(matching, members, message):
    assert refused(matching.create, **members) == ("InvalidInputException", message)


def test_columns_that_cannot_be_compared_or_labelled_are_refused(matching):
    for name, columns, message in (
        ("nested", [("id", "int"), ("tags", "array<string>")], "Input source column tags has an invalid data type "
         "defined in the catalog."),
        ("labelled", [("id", "int"), ("label", "string")], "Input source column label has the name of a column of "
         "label files."),
        ("wide", [(f"c{n}", "int") for n in range(101)], "A transform has at most 100 columns; wide has 101."),
        ("none", [], "Schema is not defined on the transform."),
    ):  # fmt: skip
        matching.table(name, [{"Name": column, "Type": type} for column, type in columns], f"{name}/")
        tables = [{"DatabaseName": matching.name, "TableName": name}]
        assert refused(matching.create, InputRecordTables=tables) == ("InvalidInputException", message)


def test_what_a_transform_cannot_do_yet_is_refused(matching):
    transform, glue = matching.create(), matching.glue
    assert refused(glue.start_ml_evaluation_task_run, TransformId=transform) == (
        "MLTransformNotReadyException",
        "This operation can only be applied to a transform that is in a READY state.",
    )
    place = f"s3://{matching.name}/x/"
    assert refused(glue.start_export_labels_task_run, TransformId=transform, OutputS3Path=place) == (
        "EntityNotFoundException",
        f"No labelset exists for transformId {transform} in account id 000000000000.",
    )
    label = glue.start_import_labels_task_run
    assert refused(label, TransformId=transform, InputS3Path="labels.csv") == (
        "InvalidInputException",
        "Invalid label file path.",
    )
    empty = matching.put("empty.csv", b"")
    assert refused(label, TransformId=transform, InputS3Path=empty)[1] == "Invalid label file of size 0."
    large = matching.put("large.csv", b" " * (10 << 20) + b" ")
    assert refused(label, TransformId=transform, InputS3Path=large) == (
        "ResourceNumberLimitExceededException",
        "Label file has exceeded the limit of 10 MB.",
    )
    absent = f"s3://{matching.name}/absent.csv"
    code, message = refused(label, TransformId=transform, InputS3Path=absent)
    assert code == "InvalidInputException" and message.startswith(f"Cannot access the label file at {absent}. ")
    ask = glue.start_ml_labeling_set_generation_task_run
    assert refused(ask, TransformId=transform, OutputS3Path="/tmp")[0] == "InvalidInputException"
    assert refused(ask, TransformId="tfm-0", OutputS3Path=place)[0] == "EntityNotFoundException"
    assert refused(glue.get_ml_task_run, TransformId=transform, TaskRunId="tsk-0") == (
        "EntityNotFoundException",
        f"No ML Task Run found for tsk-0: in account 000000000000 for transform {transform}.",
    )


def test_a_caller_must_be_allowed_the_operation_and_to_pass_the_role(lakemill, matching):
    name = f"maker-{matching.name}"
    matching.iam.create_user(UserName=name)
    key = matching.iam.create_access_key(UserName=name)["AccessKey"]
    glue = lakemill.client("glue", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    code, message = refused(glue.create_ml_transform, **matching.definition())
    assert code == "AccessDeniedException" and "glue:CreateMLTransform on resource: " in message
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "glue:*", "Resource": "*"}]}
    matching.iam.put_user_policy(UserName=name, PolicyName="glue", PolicyDocument=json.dumps(allow))
    code, message = refused(glue.create_ml_transform, **matching.definition())
    assert code == "AccessDeniedException" and f"iam:PassRole on resource: {matching.role}" in message
