"""lakemill as a child process, for tests and benchmarks."""

import configparser
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.config import Config

READY_S_MAX = 30


class Lakemill:
    """`lakemill up` on a free port. Use it as a context manager, or call start and stop."""

    def __init__(
        self,
        data: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        port: int = 0,
        program: Sequence[str] = ("lakemill",),
    ) -> None:
        """program: the module and what it is given before `up`."""
        self.data = Path(data)
        self.program = program
        self.options = options
        self.port = port
        self.environment = environment or {}
        self.lines: list[str] = []
        self.requests: list[str] = []
        self.process: subprocess.Popen | None = None
        self.endpoint = ""
        self.seconds_to_ready = 0.0

    def __enter__(self) -> "Lakemill":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "Lakemill":
        """Start and wait for `Ready.`; the same port again when restarted."""
        began = time.perf_counter()
        self.lines = []
        command = [sys.executable, "-m", *self.program, "up", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process.stdout, ready), daemon=True).start()
        threading.Thread(target=self._requests, args=(self.process.stderr,), daemon=True).start()
        if not ready.wait(READY_S_MAX) or self.process.poll() is not None:
            raise RuntimeError("lakemill did not start:\n" + "\n".join(self.lines + self.requests))
        self.seconds_to_ready = time.perf_counter() - began
        self.endpoint = next(line.split()[1] for line in self.lines if line.startswith("Endpoint:"))
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.data / "credentials")
        self.access_key_id = parser["default"]["aws_access_key_id"]
        self.secret = parser["default"]["aws_secret_access_key"]
        return self

    def _read(self, stream, ready: threading.Event) -> None:
        for line in stream:
            self.lines.append(line.rstrip())
            if line.strip() == "Ready.":
                ready.set()
        ready.set()

    def _requests(self, stream) -> None:
        for line in stream:
            self.requests.append(line.rstrip())

    def stop(self) -> int | None:
        """Ask it to stop; its exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self) -> None:
        """kill -9 of the platform process alone; what it started goes on."""
        self.process.kill()
        self.process.wait()

    def client(self, service: str, *, access_key=None, secret=None, token=None, region="us-east-1", **config):
        """A boto3 client; the root key unless another is given."""
        config.setdefault("retries", {"total_max_attempts": 1})
        config.setdefault("read_timeout", 120)
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=access_key or self.access_key_id,
            aws_secret_access_key=secret or self.secret,
            aws_session_token=token,
            config=Config(**config),
        )
