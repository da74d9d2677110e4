"""`lakemill status`: is it up, what does it hold, what is it doing."""

import json
import urllib.request
from typing import Any

import typer

from lakemill.cli.output import strong, table
from lakemill.cli.target import Target


def gather(target: Target) -> dict[str, Any]:
    """Facts about a running lakemill; only {"up": False} when nobody answers."""
    facts: dict[str, Any] = {"up": False, "endpoint": target.endpoint, "data": str(target.data)}
    try:
        facts["health"] = _health(target)
    except OSError as error:
        return facts | {"reason": str(error)}
    s3, sagemaker, kinesis, firehose, analytics, functions = (
        target.client(name) for name in ("s3", "sagemaker", "kinesis", "firehose", "kinesisanalyticsv2", "lambda")
    )
    training = sagemaker.list_training_jobs(MaxResults=10, SortBy="CreationTime", SortOrder="Descending")
    transforms = sagemaker.list_transform_jobs(MaxResults=10, SortBy="CreationTime", SortOrder="Descending")
    endpoints = sagemaker.list_endpoints(MaxResults=50)
    return facts | {
        "up": True,
        "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
        "streams": [_row(stream, "Stream") for stream in kinesis.list_streams(Limit=50)["StreamSummaries"]],
        "delivery_streams": firehose.list_delivery_streams(Limit=50)["DeliveryStreamNames"],
        "applications": [_row(one, "Application") for one in analytics.list_applications()["ApplicationSummaries"]],
        "functions": [one["FunctionName"] for one in functions.list_functions()["Functions"]],
        "training_jobs": [_row(job, "TrainingJob") for job in training["TrainingJobSummaries"]],
        "transform_jobs": [_row(job, "TransformJob") for job in transforms["TransformJobSummaries"]],
        "endpoints": [_row(endpoint, "Endpoint") for endpoint in endpoints["Endpoints"]],
    }


def _health(target: Target) -> dict[str, Any]:
    import ssl

    context = ssl.create_default_context(cafile=str(target.data / "ca.pem")) if target.endpoint[4] == "s" else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{target.endpoint}/_lakemill/health", timeout=5) as answer:
        return json.load(answer)


def _row(summary: dict[str, Any], kind: str) -> dict[str, Any]:
    created = summary.get("CreationTime") or summary.get(f"{kind}CreationTimestamp")
    row = {"name": summary[f"{kind}Name"], "status": summary[f"{kind}Status"]}
    return row if created is None else row | {"created": created.strftime("%Y-%m-%d %H:%M:%S")}


def show(facts: dict[str, Any]) -> None:
    """The facts for people."""
    if not facts["up"]:
        typer.echo(f"{strong('down', 'red')}  nobody answers at {facts['endpoint']}: {facts['reason']}")
        typer.echo(f"start it with: lakemill up --data {facts['data']}")
        return
    typer.echo(f"{strong('up')}  {facts['endpoint']}  data in {facts['data']}")
    for title in ("buckets", "delivery_streams", "functions"):
        typer.echo(f"{title.replace('_', ' ')}: {', '.join(facts[title]) or 'none'}")
    for title in ("streams", "applications", "training_jobs", "transform_jobs", "endpoints"):
        typer.echo(f"\n{title.replace('_', ' ')}: {'' if facts[title] else 'none'}")
        if facts[title]:
            table(facts[title], list(facts[title][0]))
