"""Lambda through boto3: functions made, invoked, versioned, fed by streams, and who may."""

import base64
import io
import json
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from lakemill.ports.compute.sandbox import bubblewrap

ACCOUNT = "000000000000"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
CODE = """
import json, os, time
import boto3

def handler(event, context):
    kind = event.get("do")
    print("doing", kind)
    if kind == "who":
        return boto3.client("sts").get_caller_identity()["Arn"]
    if kind == "read":
        return boto3.client("s3").get_object(Bucket=event["bucket"], Key="a")["Body"].read().decode()
    if kind == "list":
        return sorted(os.listdir(event["path"]))
    if kind == "write":
        return open(event["path"], "w").write("x")
    if kind == "raise":
        raise ValueError("no good")
    if kind == "sleep":
        time.sleep(event["s"])
    if kind == "environment":
        return {name: os.environ.get(name) for name in event["names"]}
    if kind == "context":
        return {
            "arn": context.invoked_function_arn,
            "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "group": context.log_group_name,
            "custom": context.client_context.custom if context.client_context else None,
        }
    return event
"""


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def zipped(code=CODE, name="app.py"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, code)
    return buffer.getvalue()


def statements(*given):
    return json.dumps({"Version": "2012-10-17", "Statement": list(given)})


def allow(*actions, resource="*"):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def fails(code, call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def role_for(running, *rights):
    """ARN of a role that Lambda may take."""
    iam, name = running.client("iam"), unique("role")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=statements(trust))["Role"]["Arn"]
    if rights:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=statements(*rights))
    return arn


def made(running, role, code=CODE, **wish):
    """The name of a new function."""
    name = unique("f")
    given = {"Runtime": RUNTIME, "Handler": "app.handler", "Timeout": 20, "MemorySize": 256} | wish
    running.client("lambda").create_function(FunctionName=name, Role=role, Code={"ZipFile": zipped(code)}, **given)
    return name


def asked(functions, name, **event):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def functions(lakemill):
    return lakemill.client("lambda")


@pytest.fixture(scope="module")
def role(lakemill):
    return role_for(lakemill, allow("s3:GetObject", "kinesis:*"))


@pytest.fixture(scope="module")
def f(lakemill, role):
    """A function that does what its event says."""
    return made(lakemill, role, Environment={"Variables": {"COLOUR": "red"}})


def test_code_has_its_roles_rights_and_no_others(lakemill, functions, f, role):
    name = role.rpartition("/")[2]
    assert asked(functions, f, do="who") == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{f}"
    s3, bucket = lakemill.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    assert asked(functions, f, do="read", bucket=bucket) == "hello"
    lakemill.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=statements(allow("kinesis:*")))
    assert asked(functions, f, do="read", bucket=bucket)["errorType"] == "AccessDenied"


def test_code_sees_its_environment_and_context(functions, f):
    names = ["COLOUR", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "_HANDLER"]
    assert list(asked(functions, f, do="environment", names=names).values()) == ["red", f, "us-east-1", "app.handler"]
    said = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer = functions.invoke(FunctionName=f, Payload=b'{"do": "context"}', ClientContext=said)
    assert json.loads(answer["Payload"].read()) == {
        "arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{f}",
        "version": "$LATEST",
        "memory": "256",
        "group": f"/aws/lambda/{f}",
        "custom": {"k": "v"},
    }


@pytest.mark.skipif(bubblewrap() is None, reason="nothing hides the data folder here")
def test_code_does_not_see_the_data_folder(lakemill, functions, f):
    assert (lakemill.data / "master.key").exists()
    assert asked(functions, f, do="list", path=str(lakemill.data)) == ["functions"]
    assert asked(functions, f, do="list", path=str(lakemill.data / "functions")) == ["bytecode"]
    assert asked(functions, f, do="list", path="/var/task") == ["app.py"]
    assert asked(functions, f, do="write", path="/var/task/new.py")["errorType"] == "OSError"


def test_an_exception_is_answered_in_lambdas_shape(functions, f):
    answer = functions.invoke(FunctionName=f, Payload=b'{"do": "raise"}', LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no good")
    assert "raise ValueError" in error["stackTrace"][0]
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "doing raise\n" in tail
    assert "[ERROR] ValueError: no good" in tail
    assert f"REPORT RequestId: {error['requestId']}" in tail


def lines_in_group(logs, f, pattern):
    """A function's lines that match, when there are some. Its group is made with the first that arrives."""
    for _ in range(150):
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{f}", filterPattern=pattern)["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("it never came")


def test_lines_reach_the_log_group(lakemill, functions, f):
    functions.invoke(FunctionName=f, Payload=b'{"do": "mark-me"}')
    found = lines_in_group(lakemill.client("logs"), f, '"doing mark-me"')
    assert found[0]["logStreamName"].split("/", 3)[3].startswith("[$LATEST]")


def test_a_function_that_takes_too_long_times_out(lakemill, functions, role):
    name = made(lakemill, role, Timeout=1, code="import time\ndef handler(e, c): time.sleep(30)")
    answer = functions.invoke(FunctionName=name)
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_an_event_is_accepted_and_dealt_with(lakemill, functions, f):
    mark = unique("event")
    answer = functions.invoke(FunctionName=f, InvocationType="Event", Payload=json.dumps({"do": mark}))
    assert answer["StatusCode"] == 202
    assert lines_in_group(lakemill.client("logs"), f, f'"doing {mark}"')


def test_a_dry_run_says_who_may(lakemill, functions, f, person):
    assert functions.invoke(FunctionName=f, InvocationType="DryRun")["StatusCode"] == 204
    client, _ = person()
    fails("AccessDeniedException", client.invoke, FunctionName=f, InvocationType="DryRun")


def test_what_is_no_json_is_refused(functions, f):
    fails("InvalidRequestContentException", functions.invoke, FunctionName=f, Payload=b"{no json")


def test_what_is_too_large_is_refused(functions, f):
    text = json.dumps("x" * (6 << 20)).encode()
    fails("RequestEntityTooLargeException", functions.invoke, FunctionName=f, Payload=text)
    event = json.dumps("x" * (1 << 20)).encode()
    fails("RequestEntityTooLargeException", functions.invoke, FunctionName=f, InvocationType="Event", Payload=event)


# The life of a function


def test_a_function_is_shown_as_it_was_made(functions, f, role):
    shown = functions.get_function(FunctionName=f)
    configuration = shown["Configuration"]
    assert configuration["Role"] == role
    assert (configuration["State"], configuration["Version"]) == ("Active", "$LATEST")
    assert configuration["Environment"] == {"Variables": {"COLOUR": "red"}}
    with urllib.request.urlopen(shown["Code"]["Location"]) as answer:
        assert zipfile.ZipFile(io.BytesIO(answer.read())).read("app.py").decode() == CODE
    assert functions.get_function_configuration(FunctionName=f)["CodeSha256"] == configuration["CodeSha256"]
    functions.get_waiter("function_active_v2").wait(FunctionName=f)


def test_a_link_to_code_that_was_tampered_with_leads_nowhere(functions, f):
    location = functions.get_function(FunctionName=f)["Code"]["Location"]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(location.replace("until=", "until=9"))


def test_versions_and_aliases(lakemill, functions, role):
    name = made(lakemill, role, code="def handler(e, c): return 'one'", Publish=True)
    functions.update_function_code(FunctionName=name, ZipFile=zipped("def handler(e, c): return c.function_version"))
    assert functions.publish_version(FunctionName=name, Description="second")["Version"] == "2"
    assert [asked(functions, f"{name}:{version}") for version in ("1", "2", "$LATEST")] == ["one", "2", "$LATEST"]
    functions.create_alias(FunctionName=name, Name="PROD", FunctionVersion="1")
    fails("ResourceConflictException", functions.create_alias, FunctionName=name, Name="PROD", FunctionVersion="2")
    answer = functions.invoke(FunctionName=name, Qualifier="PROD")
    assert (answer["ExecutedVersion"], json.loads(answer["Payload"].read())) == ("1", "one")
    functions.update_alias(FunctionName=name, Name="PROD", FunctionVersion="2")
    assert asked(functions, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}:PROD") == "2"
    listed = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "1", "2"]
    fails("ResourceConflictException", functions.delete_function, FunctionName=name, Qualifier="2")
    message = fails("ResourceNotFoundException", functions.invoke, FunctionName=name, Qualifier="NOPE")
    assert message == f"Cannot find alias arn: arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}:NOPE"
    functions.delete_function(FunctionName=name)
    message = fails("ResourceNotFoundException", functions.get_function, FunctionName=name)
    assert message == f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"


def test_a_change_needs_the_revision_it_names(lakemill, functions, role):
    name = made(lakemill, role)
    before = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    functions.update_function_configuration(FunctionName=name, Timeout=9, RevisionId=before)
    fails(
        "PreconditionFailedException",
        functions.update_function_configuration,
        FunctionName=name,
        Timeout=8,
        RevisionId=before,
    )
    assert functions.get_function_configuration(FunctionName=name)["Timeout"] == 9


def test_code_comes_from_a_bucket(lakemill, functions, role):
    s3, bucket = lakemill.client("s3"), unique("code")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="f.zip", Body=zipped("def handler(e, c): return 'from a bucket'"))
    name = unique("f")
    functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role,
        Handler="app.handler",
        Code={"S3Bucket": bucket, "S3Key": "f.zip"},
    )
    assert asked(functions, name) == "from a bucket"
    message = fails(
        "InvalidParameterValueException", functions.update_function_code, FunctionName=name, S3Bucket=bucket, S3Key="no"
    )
    assert "NoSuchKey" in message


def test_reserved_concurrency_throttles(lakemill, functions, role):
    name = made(lakemill, role)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0
    fails("TooManyRequestsException", functions.invoke, FunctionName=name)
    fails(
        "InvalidParameterValueException",
        functions.put_function_concurrency,
        FunctionName=name,
        ReservedConcurrentExecutions=1000,
    )
    before = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == before - 5
    functions.delete_function_concurrency(FunctionName=name)
    assert asked(functions, name, do="x") == {"do": "x"}


def test_retries_of_events_are_settled_by_function(functions, f):
    put = functions.put_function_event_invoke_config(FunctionName=f, MaximumRetryAttempts=0)
    assert put["MaximumRetryAttempts"] == 0
    functions.update_function_event_invoke_config(FunctionName=f, MaximumEventAgeInSeconds=60)
    shown = functions.get_function_event_invoke_config(FunctionName=f)
    assert (shown["MaximumRetryAttempts"], shown["MaximumEventAgeInSeconds"]) == (0, 60)
    (listed,) = functions.list_function_event_invoke_configs(FunctionName=f)["FunctionEventInvokeConfigs"]
    assert listed["MaximumEventAgeInSeconds"] == 60
    functions.delete_function_event_invoke_config(FunctionName=f)
    fails("ResourceNotFoundException", functions.get_function_event_invoke_config, FunctionName=f)


def test_tags_are_kept(functions, f):
    arn = functions.get_function_configuration(FunctionName=f)["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"team": "red"})
    assert functions.list_tags(Resource=arn)["Tags"] == {"team": "red"}
    assert functions.get_function(FunctionName=f)["Tags"] == {"team": "red"}
    functions.untag_resource(Resource=arn, TagKeys=["team"])
    assert functions.list_tags(Resource=arn)["Tags"] == {}


def test_functions_are_listed_in_pages(lakemill, functions, role):
    names = {made(lakemill, role) for _ in range(3)}
    pages = list(functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) > 1
    assert names <= {one["FunctionName"] for page in pages for one in page["Functions"]}


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"Runtime": "nodejs22.x"}, "only python3.x functions run here"),
        ({"Runtime": "python3.6"}, "this machine has no python3.6"),
        ({"PackageType": "Image"}, "images are not provided"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}, "Layers"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "VpcConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "X-Ray"),
        ({"EphemeralStorage": {"Size": 1024}}, "EphemeralStorage"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"BIG": "x" * 5000}}}, "exceeded the 4KB limit"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"MemorySize": 20_000}, "less than or equal to 10240"),
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file"),
        ({"Code": {"ImageUri": "x"}}, "ImageUri"),
        ({"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "cannot be assumed by Lambda"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "LogFormat"),
    ],
)
def test_what_is_not_provided_is_refused_by_name(functions, role, wish, says):
    whole = {"Runtime": RUNTIME, "Role": role, "Handler": "app.handler", "Code": {"ZipFile": zipped()}} | wish
    with pytest.raises(ClientError, match=r"InvalidParameterValueException|ValidationException") as caught:
        functions.create_function(FunctionName=unique("f"), **whole)
    assert says in caught.value.response["Error"]["Message"]


def test_a_name_is_taken_once(lakemill, functions, role):
    name = made(lakemill, role)
    message = fails(
        "ResourceConflictException",
        functions.create_function,
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": zipped()},
    )
    assert message == f"Function already exist: {name}"


# Who may


@pytest.fixture
def person(lakemill):
    """A factory of users with an inline policy: (Lambda client, ARN)."""
    iam = lakemill.client("iam")

    def make(*rights):
        name = unique("user")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if rights:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=statements(*rights))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lakemill.client("lambda", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"]), arn

    return make


def test_a_functions_policy_lets_others_invoke_it(functions, f, person):
    client, arn = person()
    fails("AccessDeniedException", client.invoke, FunctionName=f)
    functions.add_permission(FunctionName=f, StatementId="one", Action="lambda:InvokeFunction", Principal=arn)
    assert client.invoke(FunctionName=f)["StatusCode"] == 200
    (statement,) = json.loads(functions.get_policy(FunctionName=f)["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": arn}
    fails(
        "ResourceConflictException",
        functions.add_permission,
        FunctionName=f,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal=arn,
    )
    functions.remove_permission(FunctionName=f, StatementId="one")
    fails("AccessDeniedException", client.invoke, FunctionName=f)
    fails("ResourceNotFoundException", functions.get_policy, FunctionName=f)
    fails("ResourceNotFoundException", functions.remove_permission, FunctionName=f, StatementId="one")


def test_making_a_function_needs_the_role_to_be_passed(role, person):
    client, _ = person(allow("lambda:*"))
    message = fails(
        "AccessDeniedException",
        client.create_function,
        FunctionName=unique("f"),
        Runtime=RUNTIME,
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": zipped()},
    )
    assert "iam:PassRole" in message


# Streams

COUNTING = """
import base64
def handler(event, context):
    data = [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]
    if "poison" in data:
        raise ValueError("poison")
    for one, record in zip(data, event["Records"]):
        print("saw", one, record["eventSource"], record["kinesis"]["partitionKey"], record["eventID"].split(":")[0])
"""


def seen(running, name, pattern='"saw"'):
    """What the function has printed of the records it processed, in order."""
    logs = running.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{name}", filterPattern=pattern
        )
        return [event["message"].split()[1] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def stream_of(running):
    kinesis, name = running.client("kinesis"), unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return kinesis, name, f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"


def put(kinesis, stream, *data):
    kinesis.put_records(StreamName=stream, Records=[{"Data": one.encode(), "PartitionKey": one} for one in data])


def until(condition):
    for _ in range(150):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it never came to this")


def test_a_stream_feeds_a_function_past_what_cannot_be_processed(lakemill, functions, role):
    name = made(lakemill, role, code=COUNTING)
    kinesis, stream, arn = stream_of(lakemill)
    put(kinesis, stream, "before")
    mapping = functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
    )
    assert mapping["State"] == "Enabled"
    put(kinesis, stream, "a", "b", "poison", "c", "d")
    until(lambda: sorted(seen(lakemill, name)) == ["a", "b", "before", "c", "d"])
    fails(
        "ResourceConflictException",
        functions.create_event_source_mapping,
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
    )
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False, BatchSize=5)
    shown = functions.get_event_source_mapping(UUID=mapping["UUID"])
    assert (shown["State"], shown["BatchSize"]) == ("Disabled", 5)
    assert [one["UUID"] for one in functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]] == [
        mapping["UUID"]
    ]
    assert functions.delete_event_source_mapping(UUID=mapping["UUID"])["State"] == "Deleting"
    fails("ResourceNotFoundException", functions.get_event_source_mapping, UUID=mapping["UUID"])


SLOW = """
import time
def handler(event, context):
    time.sleep(1)
    print("done", event)
"""


def test_accepted_events_and_records_survive_a_kill(fresh):
    running = fresh()
    role = role_for(running, allow("kinesis:*"))
    reader, slow = made(running, role, code=COUNTING), made(running, role, code=SLOW)
    kinesis, stream, arn = stream_of(running)
    running.client("lambda").create_event_source_mapping(
        FunctionName=reader, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=3
    )
    put(kinesis, stream, *(f"a{i}" for i in range(20)))
    until(lambda: len(seen(running, reader)) >= 3)
    running.client("lambda").invoke(FunctionName=slow, InvocationType="Event", Payload=b'"my event"')
    running.kill()
    running.start()
    put(running.client("kinesis"), stream, "b0", "b1")
    # Lines of the last moment before the kill may be lost, and so may not tell of batches that were dealt with.
    until(lambda: {"b0", "b1"} <= set(seen(running, reader)))
    until(lambda: seen(running, slow, '"done my event"') == ["my"])


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"}, "only Kinesis streams are read"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "FilterCriteria"),
        ({"ParallelizationFactor": 2}, "ParallelizationFactor"),
        ({"TumblingWindowInSeconds": 10}, "TumblingWindowInSeconds"),
    ],
)
def test_other_sources_are_refused_by_name(lakemill, functions, f, wish, says):
    _, _, arn = stream_of(lakemill) if "EventSourceArn" not in wish else (None, None, "")
    whole = {"FunctionName": f, "EventSourceArn": arn, "StartingPosition": "LATEST"} | wish
    with pytest.raises(ClientError) as caught:
        functions.create_event_source_mapping(**whole)
    assert says in caught.value.response["Error"]["Message"]


def test_the_role_must_be_allowed_to_read(lakemill, functions):
    name = made(lakemill, role_for(lakemill), code=COUNTING)
    _, _, arn = stream_of(lakemill)
    message = fails(
        "InvalidParameterValueException",
        functions.create_event_source_mapping,
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
    )
    assert message.startswith(f"Cannot access stream {arn}.")


def test_the_role_must_be_allowed_to_open_what_the_stream_seals(lakemill, functions):
    role = role_for(lakemill, allow("kinesis:*"))
    name = made(lakemill, role, code=COUNTING)
    kinesis, stream, arn = stream_of(lakemill)
    key = lakemill.client("kms").create_key()["KeyMetadata"]
    kinesis.start_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId=key["Arn"])
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    wish = {"FunctionName": name, "EventSourceArn": arn, "StartingPosition": "TRIM_HORIZON"}
    message = fails("InvalidParameterValueException", functions.create_event_source_mapping, **wish)
    assert f"kms:Decrypt on resource: {key['Arn']}" in message
    lakemill.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="open",
        PolicyDocument=statements(allow("kms:Decrypt", resource=key["Arn"])),
    )
    functions.create_event_source_mapping(**wish)
    put(kinesis, stream, "sealed")
    until(lambda: seen(lakemill, name) == ["sealed"])


# The command line


@pytest.mark.long
def test_a_function_from_a_file_in_one_line(lakemill, tmp_path):
    (tmp_path / "hello.py").write_text(
        "def handler(event, context):\n    print('hi')\n    return event['name'].upper()\n"
    )
    name = unique("hello")

    def command(*arguments):
        line = [sys.executable, "-m", "lakemill", "function", *arguments, "--data", str(lakemill.data)]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    assert command("put", name, str(tmp_path / "hello.py"), "--env", "COLOUR=red").returncode == 0
    done = command("invoke", name, '{"name": "ada"}', "--logs")
    assert (done.stdout.strip(), done.returncode) == ('"ADA"', 0)
    assert "\nhi\n" in done.stderr
    assert command("put", name, str(tmp_path / "hello.py"), "--timeout", "7").stdout.strip() == f"Changed {name}"
    listed = json.loads(command("list", "--json").stdout)
    assert next(one for one in listed if one["name"] == name)["timeout"] == 7
    assert command("rm", name).returncode == 0
