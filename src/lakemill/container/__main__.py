"""`python -m lakemill.container {train,serve} --algorithm NAME`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from lakemill.algorithms import registry
from lakemill.algorithms.spec import AlgorithmSpec


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="lakemill.container", description="Train or serve a built-in algorithm.")
    parser.add_argument("command", choices=("train", "serve"))
    parser.add_argument("--algorithm", required=True, help="AWS's name of the algorithm, e.g. linear-learner")
    chosen = parser.parse_args(arguments)
    spec = registry.find(chosen.algorithm)
    if spec is None:
        known = ", ".join(one.name for one in registry.specs())
        parser.error(f"no algorithm is called {chosen.algorithm!r}; known are {known}")
    # Read by algorithms that load a library more lightly where the process is theirs alone.
    os.environ["LAKEMILL_CONTAINER"] = chosen.command
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # every line is a log event
    return _run(chosen.command, spec)


def _run(command: str, spec: AlgorithmSpec) -> int:
    # One of the two is enough for a process: serving must start quickly.
    try:
        if command == "train":
            from lakemill.container.train import train

            code = train(spec)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Python takes its own handlers away before it ends.
            return code
        from lakemill.container.serve import serve

        return serve(spec)
    except ModuleNotFoundError as absent:
        if (absent.name or "").startswith("lakemill"):
            raise
        return _not_installed(spec, absent.name or "a library")


def _not_installed(spec: AlgorithmSpec, library: str) -> int:
    """Say what to install, in the log and where the platform looks for a reason."""
    text = (
        f"InternalServerError: the algorithm {spec.name} needs {library}, which is not installed here; "
        "pip install 'lakemill[algorithms]' brings it, and lakemill doctor says what else is missing"
    )
    print(text, flush=True)
    failure = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "failure"
    if failure.parent.is_dir():
        failure.write_text(text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
