"""Runs the script of a Spark job on Java: `python -P run_on_java.py LAUNCH`, in the environment that has it (run)."""

import json
import sys
from pathlib import Path

from lakemill.glueetl import java, objects
from lakemill.pythonshell.run import run
from lakemill.sparkjvm import launching
from lakemill.sparkjvm.gateway import Gateway
from lakemill.sparkjvm.lake import Lake


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        launch = json.load(file)
    folder = Path(launch["temporary"]) / "spark"
    gateway = Gateway(Lake(objects.client("s3"), folder / "lake"))
    launching.start(gateway.address, folder, launch["settings"])
    java.install(catalog=launch["catalog"])
    try:
        run(launch)
    except SystemExit:
        java.shorten(Path(launch["failure"]))
        raise
    finally:
        java.leave()


if __name__ == "__main__":
    main()
