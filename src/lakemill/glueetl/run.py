"""Runs the script of a Spark job: `python -P run.py LAUNCH`, a program of its own.

LAUNCH is a JSON file as that of Python shell jobs, with {"settings", "catalog", "modules", "java", "java_missing"}
besides: what `--conf` sets, whether SQL sees the Data Catalog, modules that came with the script, and where Spark on
Java is. Spark is a server of Sail in this process, which the script reaches by Spark Connect; where the script needs
Java, this process becomes one of the environment that has it (run_on_java).
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from lakemill.glueetl import needs
from lakemill.pythonshell.run import run

CATALOG = "spark_catalog"
QUIET = "error"
ON_JAVA = Path(__file__).with_name("run_on_java.py")
_server: object = None
"""Held to the very end: the session takes its leave of it when the process exits."""


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        launch = json.load(file)
    files = [Path(one) for one in (launch["script"], *launch["modules"])]
    try:
        need = needs.java(files, launch["settings"].pop(needs.MODE, None))
    except needs.ModeWrong as error:
        refuse(launch, str(error))
    if need:
        become_java(launch, need)
    on_sail(launch)


def on_sail(launch: dict[str, Any]) -> None:
    os.environ.setdefault("RUST_LOG", QUIET)
    # Spark of Glue 3 to 5 makes null of what cannot be cast.
    settings = {"spark.sql.ansi.enabled": "false"} | launch["settings"]
    if launch["catalog"]:
        os.environ["SAIL_CATALOG__LIST"] = f'[{{type="glue", name="{CATALOG}"}}]'
        os.environ["SAIL_CATALOG__DEFAULT_CATALOG"] = CATALOG
    try:
        from pysail.spark import SparkConnectServer
    except ImportError as error:
        raise SystemExit("Spark jobs need the extra: pip install 'lakemill[spark]'") from error
    global _server
    _server = server = SparkConnectServer(port=0)
    server.start(background=True)
    host, port = server.listening_address
    os.environ["SPARK_REMOTE"] = f"sc://{host}:{port}"
    from lakemill.glueetl import sparkcontext, sqltables

    sparkcontext.install(settings)
    if launch["catalog"]:
        sqltables.install()
    try:
        run(launch)
    finally:
        sparkcontext.leave()


def become_java(launch: dict[str, Any], need: needs.Need | bool) -> None:
    """Run the script in the environment that has Spark on Java."""
    environment = launch["java"]
    if environment is None:
        why = f"The script uses {need}, for which Spark runs on Java" if need is not True else "Spark is to run on Java"
        away = f"; --conf {needs.MODE}={needs.ON_SAIL} runs it on Sail all the same" if need is not True else ""
        refuse(launch, f"{why}. {launch['java_missing']}{away}")
    python, home = environment["python"], environment["home"]
    found = os.environ | {"JAVA_HOME": home, "PYSPARK_PYTHON": python, "PYTHONPATH": _path(launch["temporary"])}
    os.execve(python, [python, "-P", str(ON_JAVA), sys.argv[1]], found)


def refuse(launch: dict[str, Any], message: str) -> None:
    """End the run with this as its ErrorMessage."""
    print(message, file=sys.stderr)
    Path(launch["failure"]).write_text(message, encoding="utf-8")
    sys.exit(1)


def _path(temporary: str) -> str:
    """Where modules are: the package lakemill by itself, not what is installed beside it, a client of Spark's too."""
    import lakemill

    package = Path(lakemill.__file__).resolve().parent
    alone = Path(temporary) / "lakemill-alone"
    alone.mkdir(exist_ok=True)
    (alone / package.name).symlink_to(package)
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(str(alone) if entry and Path(entry) == package.parent else entry for entry in entries)


if __name__ == "__main__":
    main()
