"""`lakemill crawl`: what is in a folder of the lake, as tables of the catalog."""

import json
import re
import time
from typing import Any

import botocore.exceptions
import typer

from lakemill.cli.output import as_json, fail, strong, table
from lakemill.cli.target import Target

ROLE = "lakemill-crawl"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "glue:*", "logs:*"], "Resource": "*"}],
}
POLL_S = 0.2


def run_crawl(
    target: Target, uri: str, database: str | None, *, name: str | None, exclude: list[str], for_programs: bool
) -> None:
    """Crawl a folder with a crawler of its own, wait, and say which tables there are."""
    if not uri.startswith("s3://"):
        fail(f"{uri} is no s3:// URI", "lakemill crawl s3://bucket/folder/")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    words = re.sub(r"[^a-z0-9]+", "_", f"{bucket}_{prefix}".lower()).strip("_")
    crawler, database = name or words.replace("_", "-"), database or re.sub(r"[^a-z0-9]+", "_", bucket.lower())
    glue = target.client("glue")
    places = {"S3Targets": [{"Path": uri, "Exclusions": exclude}]}
    try:
        _settle(glue, crawler, Role=_role(target), DatabaseName=database, Targets=places)
        glue.start_crawler(Name=crawler)
        last = _ended(glue, crawler)
    except KeyboardInterrupt:
        typer.echo(f"\ncrawler {crawler} goes on")
        return
    except botocore.exceptions.ClientError as wrong:
        fail(f"the crawl was refused: {wrong.response['Error']['Message']}")
    if last["Status"] != "SUCCEEDED":
        fail(f"the crawl ended as {last['Status']}: {last.get('ErrorMessage', '')}")
    rows = [_row(one) for one in _tables(glue, database) if one["Parameters"].get("UPDATED_BY_CRAWLER") == crawler]
    if for_programs:
        as_json({"crawler": crawler, "database": database, "tables": rows})
        return
    typer.echo(f"{strong('Crawled')} {uri} into database {database}")
    table(rows, ["table", "format", "columns", "partition keys", "records", "location"])


def _settle(glue: Any, crawler: str, **settings: Any) -> None:
    """Make the crawler, or bring it to these settings."""
    try:
        glue.create_crawler(Name=crawler, **settings)
    except glue.exceptions.AlreadyExistsException:
        glue.update_crawler(Name=crawler, **settings)


def _ended(glue: Any, crawler: str) -> dict[str, Any]:
    while True:
        found = glue.get_crawler(Name=crawler)["Crawler"]
        if found["State"] == "READY":
            last: dict[str, Any] = found["LastCrawl"]
            return last
        time.sleep(POLL_S)


def _tables(glue: Any, database: str) -> list[dict[str, Any]]:
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    return [one for page in pages for one in page["TableList"]]


def _row(one: dict[str, Any]) -> dict[str, Any]:
    parameters = one["Parameters"]
    return {
        "table": one["Name"],
        "format": parameters["classification"],
        "columns": len(one["StorageDescriptor"]["Columns"]),
        "partition keys": ", ".join(key["Name"] for key in one["PartitionKeys"]),
        "records": int(parameters["recordCount"]),
        "location": one["StorageDescriptor"]["Location"],
    }


def _role(target: Target) -> str:
    """A role for these crawlers, made when missing."""
    iam = target.client("iam")
    try:
        arn: str = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="crawl", PolicyDocument=json.dumps(RIGHTS))
    return arn
