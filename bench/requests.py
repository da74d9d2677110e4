"""Requests per second of a signed small JSON call and of 1 KiB GET and PUT, against moto_server.

wrk replays requests that were signed beforehand. PUTs go to different keys. moto keeps objects in memory; lakemill's
PUTs are on disk when they are answered, so the limit beside it is what group commit alone gives as many callers.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from tests.running import Lakemill

from bench import peers
from lakemill.ports.metadata import EmbeddedMetadata

SECONDS = 4
ROUNDS = 3
KEYS = 2000


def s3(endpoint: str, key: str, secret: str):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def lua_for_call(folder: Path, endpoint: str, key: str, secret: str) -> Path:
    """A wrk script that sends one signed logs.DescribeLogGroups again and again."""
    body = json.dumps({"logGroupNamePrefix": "bench"})
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
    request = AWSRequest("POST", endpoint + "/", data=body, headers=headers)
    SigV4Auth(Credentials(key, secret), "logs", "us-east-1").add_auth(request)
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(str(value))}" for name, value in request.headers.items()]
    path = folder / f"call-{endpoint.rsplit(':', 1)[1]}.lua"
    path.write_text("\n".join(lines))
    return path


def lua_for_puts(folder: Path, client, endpoint: str) -> Path:
    """A wrk script that PUTs 1 KiB to many keys by presigned URLs."""
    paths = [
        client.generate_presigned_url("put_object", {"Bucket": "bench", "Key": f"put/{i}"}, ExpiresIn=3600)[
            len(endpoint) :
        ]
        for i in range(KEYS)
    ]
    script = f"""
local paths = {{{",".join(json.dumps(p) for p in paths)}}}
local body = string.rep("x", 1024)
local i = 0
request = function()
  i = i % #paths + 1
  return wrk.format("PUT", paths[i], nil, body)
end
"""
    path = folder / f"put-{endpoint.rsplit(':', 1)[1]}.lua"
    path.write_text(script)
    return path


def prepare(folder: Path, endpoint: str, key: str, secret: str) -> dict:
    client = s3(endpoint, key, secret)
    client.create_bucket(Bucket="bench")
    client.put_object(Bucket="bench", Key="get", Body=b"x" * 1024)
    logs = boto3.client(
        "logs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
    )
    logs.create_log_group(logGroupName="bench")
    return {
        "endpoint": endpoint,
        "call": lua_for_call(folder, endpoint, key, secret),
        "put": lua_for_puts(folder, client, endpoint),
        "get": client.generate_presigned_url("get_object", {"Bucket": "bench", "Key": "get"}, ExpiresIn=3600),
    }


def best(*rates: float) -> float:
    return sorted(rates)[len(rates) // 2]


def group_commit_rate(folder: Path, callers: int) -> float:
    """Transactions a second of callers that each write 1 KiB and wait for the disk, with nothing around it."""
    store = EmbeddedMetadata(folder / f"limit-{callers}.sqlite")
    done = 0

    async def caller(number: int, until: float) -> None:
        nonlocal done
        i = 0
        while time.perf_counter() < until:
            i += 1
            await store.transact(lambda t, k=f"{number}/{i}": t.put("limit", k, b"x" * 1024))
            done += 1

    async def all_callers() -> None:
        until = time.perf_counter() + SECONDS
        await asyncio.gather(*(caller(number, until) for number in range(callers)))

    asyncio.run(all_callers())
    store.close()
    return done / SECONDS


def row(name: str, ours: float, peer: float, target: float, note: str = "") -> dict:
    ratio = ours / peer
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "unit": "requests/s",
        "target": f">= {target:g}x",
        "met": ratio >= target,
        "note": note,
    }


def run() -> list[dict]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lakemill(folder / "data", "--no-log-requests") as ours, peers.moto() as moto, peers.bare_granian() as bare:
            mine = prepare(folder, ours.endpoint, ours.access_key_id, ours.secret)
            theirs = prepare(folder, moto, "testing", "testing")
            rates: dict[str, list[float]] = {}

            def measure(label: str, url: str, connections: int, script: Path | None = None) -> None:
                rate = peers.wrk(url, connections=connections, seconds=SECONDS, script=script, lenient="moto" in label)
                rates.setdefault(label, []).append(rate)

            for _ in range(ROUNDS):
                measure("bare", bare, 8, mine["call"])
                for who, target in (("ours", mine), ("moto", theirs)):
                    measure(f"{who} call", target["endpoint"], 8, target["call"])
                    measure(f"{who} get", target["get"], 8)
                    for callers in (8, 128):
                        measure(f"{who} put {callers}", target["endpoint"], callers, target["put"])
                for callers in (8, 128):
                    rates.setdefault(f"limit {callers}", []).append(group_commit_rate(folder, callers))
            rate = {label: best(*values) for label, values in rates.items()}
    return [
        row("signed small JSON call, 8 connections, against moto_server", rate["ours call"], rate["moto call"], 10),
        row("the same requests against a bare granian application", rate["ours call"], rate["bare"], 0.25),
        row("S3 GET 1 KiB, 8 connections, against moto_server", rate["ours get"], rate["moto get"], 8),
        row(
            "S3 PUT 1 KiB, 8 connections, against moto_server",
            rate["ours put 8"],
            rate["moto put 8"],
            3,
            "ours is fsynced, moto's is in memory",
        ),
        row(
            "the same against group commit alone, 8 callers",
            rate["ours put 8"],
            rate["limit 8"],
            0.7,
            "where a flush takes far less than a request's own Python, the limit is the processor, not the disk",
        ),
        row("S3 PUT 1 KiB, 128 connections, against moto_server", rate["ours put 128"], rate["moto put 128"], 10),
        row(
            "the same against group commit alone, 128 callers", rate["ours put 128"], rate["limit 128"], 0, "no target"
        ),
    ]
