"""Start-up: seconds until the first healthy answer, and memory when nothing happens, beside moto_server and FastAPI."""

import contextlib
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from tests.running import Lakemill

from bench import peers

ROUNDS = 5


def healthy_after(command: list[str], port: int, path: str, folder: Path) -> tuple[float, float]:
    """Seconds to the first answer, and resident MiB two seconds later."""
    began = time.perf_counter()
    with peers.process(command, port, path, cwd=folder) as child:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1)
                break
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        time.sleep(2)
        return seconds, peers.resident_bytes(child.pid) / (1 << 20)


def run() -> list[dict]:
    ours, moto, fastapi = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.py").write_text(
            "import fastapi, uvicorn, sys\napp = fastapi.FastAPI()\n"
            "@app.get('/ping')\ndef ping():\n    return {}\n"
            "uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[1]), log_level='error')\n"
        )
        for i in range(ROUNDS):
            port = peers.free_port()
            command = [sys.executable, "-m", "lakemill", "up", "--port", str(port), "--data", str(folder / f"data{i}")]
            ours.append(healthy_after(command, port, "/_lakemill/health", folder))
            port = peers.free_port()
            moto.append(
                healthy_after([sys.executable, "-m", "moto.server", "-p", str(port)], port, "/moto-api/", folder)
            )
            port = peers.free_port()
            fastapi.append(healthy_after([sys.executable, "plain.py", str(port)], port, "/ping", folder))
        with Lakemill(folder / "busy", "--no-log-requests") as used:
            used.client("s3").list_buckets()
            used.client("sagemaker").list_training_jobs()
            used.client("iam").list_users()
            used_mib = psutil.Process(used.process.pid).memory_info().rss / (1 << 20)
    (seconds, idle), (moto_s, moto_mib), (fast_s, fast_mib) = (sorted(x)[ROUNDS // 2] for x in (ours, moto, fastapi))
    return [
        {
            "name": "healthy after",
            "ours": seconds,
            "peer": moto_s,
            "ratio": seconds / moto_s,
            "unit": "s",
            "target": "<= 1 s",
            "met": seconds <= 1,
            "note": f"peer moto_server; a FastAPI hello world {fast_s:.2f} s",
        },
        {
            "name": "idle memory",
            "ours": idle,
            "peer": moto_mib,
            "ratio": idle / moto_mib,
            "unit": "MiB resident",
            "target": "< 120 MiB",
            "met": idle < 120,
            "note": f"peer moto_server; a FastAPI hello world {fast_mib:.0f} MiB",
        },
        {
            "name": "memory after calls to S3, SageMaker and IAM",
            "ours": used_mib,
            "peer": None,
            "ratio": None,
            "unit": "MiB resident",
            "target": "",
            "met": None,
        },
    ]
