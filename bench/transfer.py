"""Large objects with boto3 and one client: 8 MiB PUT and GET against moto_server, MiniStack and SeaweedFS, and 256 MiB.

lakemill flushes to disk before it answers; moto and MiniStack keep objects in memory, SeaweedFS writes without a flush.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.config import Config
from tests.running import Lakemill

from bench import peers

MIB = 1 << 20
PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin"
ROUNDS = 7


def client(endpoint: str, key: str = "testing", secret: str = "testing"):
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=300)
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    port = peers.free_port()
    with peers.process([str(PEERS / "ministack")], port, env={"GATEWAY_PORT": str(port), "PATH": "/usr/bin:/bin"}):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def seaweed() -> Iterator[str]:
    ports = [peers.free_port(20_000) for _ in range(4)]  # Each also takes the port 10,000 above it.
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(PEERS / "weed"),
            "server",
            "-ip=127.0.0.1",
            f"-dir={folder}",
            "-s3",
            f"-s3.port={ports[0]}",
            f"-master.port={ports[1]}",
            f"-volume.port={ports[2]}",
            f"-filer.port={ports[3]}",
            "-master.volumeSizeLimitMB=1024",
        ]
        with peers.process(command, ports[0]):
            time.sleep(5)  # The volume server registers with the master some seconds after S3 answers.
            yield f"http://127.0.0.1:{ports[0]}"


def put_and_get(s3, size: int, rounds: int) -> tuple[float, float]:
    """Median MB/s of a PUT and of a GET."""
    body = bytes(bytearray(range(256))) * (size // 256)
    puts, gets = [], []
    for i in range(rounds):
        began = time.perf_counter()
        s3.put_object(Bucket="bench", Key=f"large/{i % 2}", Body=body)
        puts.append(time.perf_counter() - began)
        began = time.perf_counter()
        got = s3.get_object(Bucket="bench", Key=f"large/{i % 2}")["Body"].read()
        gets.append(time.perf_counter() - began)
        assert got == body
    return size / 1e6 / sorted(puts)[rounds // 2], size / 1e6 / sorted(gets)[rounds // 2]


def upload_and_download(s3, size: int) -> tuple[float, float]:
    """MB/s of upload_fileobj and download_fileobj (multipart, several connections)."""
    body = io.BytesIO(b"x" * size)
    began = time.perf_counter()
    s3.upload_fileobj(body, "bench", "huge")
    up = time.perf_counter() - began
    target = io.BytesIO()
    began = time.perf_counter()
    s3.download_fileobj("bench", "huge", target)
    down = time.perf_counter() - began
    assert len(target.getvalue()) == size  # Pieces are written out of order, so where it stands says nothing.
    return size / 1e6 / up, size / 1e6 / down


def run() -> list[dict]:
    figures: dict[str, list[float]] = {}
    notes = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ours = stack.enter_context(Lakemill(Path(folder) / "data", "--no-log-requests"))
        targets = {"lakemill": client(ours.endpoint, ours.access_key_id, ours.secret)}
        for name, start in (("moto_server", peers.moto), ("MiniStack", ministack), ("SeaweedFS", seaweed)):
            try:
                targets[name] = client(stack.enter_context(start()))
            except (peers.Missing, FileNotFoundError) as error:
                notes.append(f"{name} not measured: {error}")
        for name, s3 in list(targets.items()):
            try:
                s3.create_bucket(Bucket="bench")
                put_and_get(s3, MIB, 2)
            except Exception as error:  # A peer that cannot do the work is left out, and the page says so.
                if name == "lakemill":
                    raise
                notes.append(f"{name} not measured: {error}")
                del targets[name]
        for name, s3 in targets.items():
            figures[name] = [*put_and_get(s3, 8 * MIB, ROUNDS), *upload_and_download(s3, 256 * MIB)]
    rows = []
    for i, (what, target) in enumerate(
        (("8 MiB PUT", 2), ("8 MiB GET", 2), ("256 MiB upload_fileobj", 1), ("256 MiB download_fileobj", 1))
    ):
        best = max((n for n in figures if n != "lakemill"), key=lambda n: figures[n][i])
        mine, theirs = figures["lakemill"][i], figures[best][i]
        others = ", ".join(f"{n} {figures[n][i]:.0f}" for n in figures if n not in ("lakemill", best))
        note = "; ".join(filter(None, [f"best peer {best}; {others}", *notes]))
        rows.append(
            {
                "name": what,
                "ours": mine,
                "peer": theirs,
                "ratio": mine / theirs,
                "unit": "MB/s",
                "target": f">= {target}x",
                "met": mine / theirs >= target,
                "note": note,
            }
        )
    return rows
