"""Peers as child processes, and what is asked about them: requests a second, CPU time, memory."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil


class Missing(RuntimeError):
    """A peer that is not installed; the text says how to get it."""


def free_port(above: int = 0) -> int:
    """A port nobody listens on now: any, or one of the ten thousand above a number."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", above and above + random.randrange(10_000)))
            except OSError:
                continue
            return probe.getsockname()[1]


@contextlib.contextmanager
def process(
    command: list[str], port: int, path: str = "/", *, seconds: float = 60, **options
) -> Iterator[subprocess.Popen]:
    """A server that answers on a port of 127.0.0.1; ended with all its children."""
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options
    )
    try:
        deadline = time.monotonic() + seconds
        while True:
            if child.poll() is not None:
                raise Missing(f"{Path(command[0]).name} ended with {child.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise Missing(f"{Path(command[0]).name} did not answer in {seconds:.0f} s") from None
                time.sleep(0.02)
        yield child
    finally:
        for one in [*psutil.Process(child.pid).children(recursive=True)] if child.poll() is None else []:
            with contextlib.suppress(psutil.Error):
                one.kill()
        child.kill()
        child.wait()


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto_server's endpoint."""
    port = free_port()
    with process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def bare_granian() -> Iterator[str]:
    """An ASGI application that answers a fixed small JSON, on granian, one worker."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--port", str(port), "bench.bare:app"]
    with process(command, port, cwd=Path(__file__).parent.parent):
        yield f"http://127.0.0.1:{port}"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its living children."""
    total = 0.0
    root = psutil.Process(pid)
    for one in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its children."""
    root = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [root, *root.children(recursive=True)])


def quiet(seconds_max: float = 20) -> None:
    """Wait until the machine rests: a server goes on with what it was asked after its clients have gone."""
    until = time.monotonic() + seconds_max
    while psutil.cpu_percent(0.3) > 15 and time.monotonic() < until:
        pass


def wrk(
    url: str,
    *,
    connections: int,
    seconds: float,
    script: Path | None = None,
    environment: dict | None = None,
    lenient: bool = False,
) -> float:
    """Requests per second of one wrk run; every answer must be 2xx. lenient: a peer may leave requests unanswered."""
    program = shutil.which("wrk")
    if program is None:
        raise Missing("wrk is not installed; on Debian: apt-get install wrk")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", *(["-s", str(script)] if script else []), url]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **(environment or {})}
    ).stdout
    if "Non-2xx" in output or ("Socket errors" in output and not lenient):
        raise RuntimeError(f"wrk saw failures:\n{output}")
    return float(next(line for line in output.splitlines() if line.startswith("Requests/sec")).split()[1])


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    """MiniStack's endpoint."""
    port = free_port()
    program = Path(__file__).parent.parent / ".venvs" / "peers" / "bin" / "ministack"
    if not program.exists():
        raise Missing("MiniStack is not installed; run: make .venvs/peers/.installed")
    with process([str(program)], port, "/_ministack/health", env={**os.environ, "GATEWAY_PORT": str(port)}):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def kinesalite() -> Iterator[str]:
    """kinesalite's endpoint; it keeps records in memory, and needs Node.js."""
    port = free_port()
    program = Path(__file__).parent.parent / ".venvs" / "peers" / "node_modules" / ".bin" / "kinesalite"
    if not program.exists():
        raise Missing("kinesalite is not installed; run: make .venvs/peers/.kinesalite")
    options = ["--createStreamMs", "10", "--deleteStreamMs", "10", "--shardLimit", "100"]
    with process([str(program), "--port", str(port), *options], port):
        yield f"http://127.0.0.1:{port}"
