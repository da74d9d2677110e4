"""`lakemill logs`: what a job or an endpoint printed, while it prints it."""

import time
from typing import Any

import botocore.exceptions
import typer

from lakemill.cli.output import fail
from lakemill.cli.target import Target

POLL_S = 0.5
ENDED = ("Completed", "Failed", "Stopped")


def print_logs(target: Target, job: str, *, follow: bool) -> None:
    """Print all lines so far; with follow, go on until the job has ended (or for ever for an endpoint)."""
    group, ended = _find(target, job)
    client = target.client("logs")
    tokens: dict[str, str] = {}
    while True:
        last_round = not follow or ended()
        for stream in _streams(client, group, job):
            _print_new(client, group, stream, tokens)
        if last_round:
            return
        time.sleep(POLL_S)


def _find(target: Target, job: str) -> tuple[str, Any]:
    """The log group of whatever has this name, and a question whether it has ended."""
    sagemaker = target.client("sagemaker")
    for group, describe, argument, status in (
        ("TrainingJobs", sagemaker.describe_training_job, "TrainingJobName", "TrainingJobStatus"),
        ("TransformJobs", sagemaker.describe_transform_job, "TransformJobName", "TransformJobStatus"),
        (f"Endpoints/{job}", sagemaker.describe_endpoint, "EndpointName", None),
    ):
        try:
            describe(**{argument: job})
        except botocore.exceptions.ClientError:
            continue

        def ended(describe: Any = describe, argument: str = argument, status: str | None = status) -> bool:
            return status is not None and describe(**{argument: job})[status] in ENDED

        return f"/aws/sagemaker/{group}", ended
    fail(f"there is no training job, transform job or endpoint called {job}", "lakemill status lists them")


def _streams(client: Any, group: str, job: str) -> list[str]:
    prefix = {} if "/Endpoints/" in group else {"logStreamNamePrefix": f"{job}/"}
    try:
        pages = client.get_paginator("describe_log_streams").paginate(logGroupName=group, **prefix)
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # Nothing was logged yet.


def _print_new(client: Any, group: str, stream: str, tokens: dict[str, str]) -> None:
    while True:
        token = {"nextToken": tokens[stream]} if stream in tokens else {}
        page = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        for event in page["events"]:
            typer.echo(event["message"])
        tokens[stream] = page["nextForwardToken"]
        if not page["events"]:
            return
