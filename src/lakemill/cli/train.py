"""`lakemill train`: one line from data to a model, by the same API that programs use."""

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import botocore.exceptions
import typer

from lakemill.algorithms import peek
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.cli.joblogs import print_logs
from lakemill.cli.output import as_json, fail, strong, table
from lakemill.cli.target import Target

ROLE = "lakemill-train"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def run_training(
    target: Target,
    spec: AlgorithmSpec,
    sources: dict[str, str],
    given: dict[str, str],
    *,
    name: str | None,
    instances: int,
    mode: str,
    content_type: str | None,
    wait: bool,
    for_programs: bool,
) -> None:
    """Start a training job, follow its log, and say what came of it. sources: channel -> s3:// URI or local path."""
    bucket = _bucket(target)
    job = name or f"{spec.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"
    channels, width = [], None
    for channel, source in sources.items():
        uri = source if source.startswith("s3://") else _upload(target, bucket, f"{job}/input/{channel}", Path(source))
        kind, wide = _looked_at(target, spec, channel, uri, content_type)
        width = width or wide
        data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
        if instances > 1:
            data["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
        channels.append({"ChannelName": channel, "ContentType": kind, "DataSource": data})
    request = {
        "TrainingJobName": job,
        "AlgorithmSpecification": {"TrainingImage": _image(target, spec), "TrainingInputMode": mode},
        "RoleArn": _role(target),
        "HyperParameters": _hyperparameters(spec, given, width),
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": instances, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }
    sagemaker = target.client("sagemaker")
    try:
        sagemaker.create_training_job(**request)
    except (botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError) as wrong:
        fail(f"the job was refused: {wrong}")
    if not wait:
        as_json({"job": job}) if for_programs else typer.echo(f"{job} trains; lakemill logs -f {job} follows it")
        return
    if not for_programs:
        typer.echo(strong(f"{job} trains on {', '.join(dict.fromkeys(sources.values()))}"))
        try:
            print_logs(target, job, follow=True)
        except KeyboardInterrupt:
            typer.echo(f"\n{job} goes on; lakemill logs -f {job} follows it again")
            return
    _report(_ended(sagemaker, job), for_programs=for_programs)


def hyperparameters_of(arguments: list[str]) -> dict[str, str]:
    """`--k 10 --init-method=random` as {"k": "10", "init_method": "random"}.

    >>> hyperparameters_of(["--k", "10", "--init-method=random"])
    {'k': '10', 'init_method': 'random'}
    """
    found, left = {}, list(arguments)
    while left:
        one = left.pop(0)
        if not one.startswith("--"):
            fail(f"{one!r} is no hyperparameter", "give them as --name value; lakemill algorithms NAME lists them")
        name, equals, value = one[2:].partition("=")
        if not equals:
            if not left:
                fail(f"--{name} has no value")
            value = left.pop(0)
        found[name.replace("-", "_")] = value
    return found


def _hyperparameters(spec: AlgorithmSpec, given: dict[str, str], width: int | None) -> dict[str, str]:
    """The given ones, checked here for a quick answer; feature_dim is taken from the data where it is not given."""
    if width and "feature_dim" not in given and any(one.name == "feature_dim" for one in spec.hyperparameters):
        given = {**given, "feature_dim": str(width)}
    try:
        spec.validate(given)
    except CustomerError as wrong:
        fail(str(wrong), f"lakemill algorithms {spec.name} lists the hyperparameters")
    return given


def _looked_at(
    target: Target, spec: AlgorithmSpec, channel: str, uri: str, content_type: str | None
) -> tuple[str, int | None]:
    """A channel's content type and its records' width, from its first object."""
    known = spec.channel(channel)
    if known is None:
        fail(f"{spec.title} has no channel {channel}", f"it has {', '.join(one.name for one in spec.channels)}")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    s3 = target.client("s3")
    try:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=100).get("Contents", [])
    except botocore.exceptions.ClientError as wrong:
        fail(f"{uri} cannot be listed: {wrong}")
    keys = [one["Key"] for one in listed if one["Size"] and not one["Key"].rsplit("/", 1)[-1].startswith((".", "_"))]
    if not keys:
        fail(f"there is no data at {uri}")
    start = s3.get_object(Bucket=bucket, Key=keys[0], Range="bytes=0-3")["Body"].read()
    found = peek.content_type(keys[0], start)
    kind = content_type or (peek.chosen(known.content_types, found) if found else None)
    if kind == "text/csv" and not spec.supervised and not content_type:
        kind = "text/csv;label_size=0"  # Where the content type says nothing, AWS takes the first column for a label.
    if kind is None:
        types = ", ".join(known.content_types)
        fail(f"{keys[0]} is not of a type that {spec.title} reads", f"say which with --content-type: {types}")
    if all(one.name != "feature_dim" for one in spec.hyperparameters):
        return kind, None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, Path(keys[0]).name)
        with path.open("wb") as file:
            for piece in s3.get_object(Bucket=bucket, Key=keys[0])["Body"].iter_chunks(1 << 20):
                file.write(piece)
        try:
            return kind, peek.feature_dim(path, kind)
        except ValueError as wrong:
            fail(f"{keys[0]} cannot be read as {kind}: {wrong}")


def _upload(target: Target, bucket: str, prefix: str, path: Path) -> str:
    """Local files below a prefix; its URI."""
    if not path.exists():
        fail(f"there is no {path}", "the data is an s3:// URI, or a file or folder of this machine")
    s3 = target.client("s3")
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    for one in files:
        key = f"{prefix}/{one.name if one == path else one.relative_to(path).as_posix()}"
        with one.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{prefix}/"


def _bucket(target: Target) -> str:
    """The bucket that the SageMaker SDK takes by default."""
    account = target.client("sts").get_caller_identity()["Account"]
    bucket, s3 = f"sagemaker-{target.region}-{account}", target.client("s3")
    place = {} if target.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": target.region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=bucket, **place)
    return bucket


def _role(target: Target) -> str:
    """A role for these jobs, made when missing."""
    iam = target.client("iam")
    try:
        arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    return arn


def _image(target: Target, spec: AlgorithmSpec) -> str:
    """An image URI that means the algorithm; only the repository's name counts."""
    return f"000000000000.dkr.ecr.{target.region}.amazonaws.com/{spec.repositories[0]}:1"


def _ended(sagemaker: Any, job: str) -> dict[str, Any]:
    while True:
        found = sagemaker.describe_training_job(TrainingJobName=job)
        if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return found
        time.sleep(0.2)


def _report(found: dict[str, Any], *, for_programs: bool) -> None:
    """What came of the job; the command fails if the job did."""
    metrics = {one["MetricName"]: one["Value"] for one in found.get("FinalMetricDataList", [])}
    facts = {
        "job": found["TrainingJobName"],
        "status": found["TrainingJobStatus"],
        "model": found.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        "seconds": found.get("TrainingTimeInSeconds"),
        "metrics": metrics,
    }
    if reason := found.get("FailureReason"):
        if for_programs:
            as_json(facts | {"reason": reason})
            raise typer.Exit(1)
        fail(f"{facts['job']} failed: {reason}")
    if for_programs:
        as_json(facts)
        return
    typer.echo()
    if metrics:
        table([{"metric": name, "value": f"{value:.6g}"} for name, value in metrics.items()], ["metric", "value"])
    typer.echo(f"{strong(facts['status'])} in {facts['seconds']} s. Model: {facts['model']}")
