"""`python -m lakemill.container {train,serve} --algorithm NAME`."""

import argparse
import os
import sys

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
    if command == "train":
        from lakemill.container.train import train

        return train(spec)
    from lakemill.container.serve import serve

    return serve(spec)


if __name__ == "__main__":
    sys.exit(main())
