"""`lakemill demo`: start a lakemill of its own, run the demo program against it, leave a page to look at."""

import asyncio
import contextlib
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import typer

import lakemill
from lakemill.cli import options
from lakemill.cli.output import fail, strong, terminal
from lakemill.cli.runner import run_program
from lakemill.cli.target import Target, target

READY_S_MAX = 30
NEEDED = ("sagemaker", "boto3", "xgboost", "sklearn", "pandas", "pyarrow")


def run_demo(data: Path, python: Path | None) -> int:
    """Run it; the demo program's exit code. On a terminal lakemill stays up until Ctrl-C."""
    program = _program()
    interpreter = python or _interpreter(program)
    if data.exists() and any(data.iterdir()) and not (data / "metadata.sqlite").exists():
        fail(f"{data} is not empty and holds no lakemill", "name another folder with --data")
    if (data / "metadata.sqlite").exists():
        shutil.rmtree(data)  # The demo's own folder of an earlier time: it always starts from nothing.
    with _lakemill(data) as found:
        results = data / "demo.json"
        environment = {**os.environ, "DEMO_RESULTS": str(results.resolve())}
        code = asyncio.run(run_program([str(interpreter), str(program)], found, environment))
        if code == 0 and results.exists():
            page = _report(data, json.loads(results.read_text()), found)
            typer.echo(f"\nReport:  {page.resolve().as_uri()}")
            typer.echo(f"Log:     {data / 'lakemill.log'}")
            if terminal():
                typer.echo(f"Console: {strong(found.endpoint + '/_lakemill/')}  (lakemill stays up; Ctrl-C stops it)")
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
    return code


def _program() -> Path:
    """demo.py beside the package (from a clone) or inside it (installed)."""
    package = Path(lakemill.__file__).parent
    for folder in (package / "examples", package.parent.parent / "examples"):
        if (folder / "demo.py").exists():
            return folder / "demo.py"
    fail("the demo program is not installed", "run it from a clone of lakemill with: make demo")


def _interpreter(program: Path) -> Path:
    """A Python that has the SageMaker SDK: the clone's environment for it, else this one."""
    for candidate in (program.parent.parent / ".venvs" / "sdk2" / "bin" / "python", Path(sys.executable)):
        if candidate.exists() and _has_sdk(candidate):
            return candidate
    fail(
        "the demo needs a Python environment with the SageMaker SDK 2.x",
        "python3 -m venv sdk && sdk/bin/pip install 'sagemaker<3' xgboost-cpu scikit-learn pyarrow && "
        "lakemill demo --python sdk/bin/python   (in a clone: make demo)",
    )


def _has_sdk(python: Path) -> bool:
    names = ", ".join(map(repr, NEEDED))
    check = f"import importlib.util as u, sys; sys.exit(not all(u.find_spec(n) for n in ({names})))"
    return subprocess.run([str(python), "-c", check], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _lakemill(data: Path) -> Iterator[Target]:
    """`lakemill up` on a free port, its output in DATA/lakemill.log."""
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "lakemill", "up", "--port", "0", "--data", str(data)]
    with (data / "lakemill.log").open("w") as log:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        try:
            assert child.stdout is not None
            timer = threading.Timer(READY_S_MAX, child.kill)
            timer.start()
            lines = []
            for line in child.stdout:
                lines.append(line)
                if line.strip() == "Ready.":
                    break
            timer.cancel()
            if not lines or lines[-1].strip() != "Ready.":
                fail(f"lakemill did not start; see {data / 'lakemill.log'}\n{''.join(lines)}")
            yield target(options.settings(data=data))
        finally:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()


def _report(data: Path, rows: list[dict[str, object]], found: Target) -> Path:
    """The table as a page."""
    heads = "".join(f"<th>{html.escape(column)}</th>" for column in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row.values()) + "</tr>" for row in rows
    )
    page = data / "report.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><title>lakemill demo</title>"
        "<style>body{font:16px/1.5 system-ui;margin:3em auto;max-width:70em}table{border-collapse:collapse}"
        "td,th{padding:.4em 1em;border-bottom:1px solid #ddd;text-align:left}</style>"
        f"<h1>lakemill demo</h1><p>Done at {html.escape(found.endpoint)}; data in {html.escape(str(found.data))}.</p>"
        f"<table><tr>{heads}</tr>{body}</table>"
    )
    return page
