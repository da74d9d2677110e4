"""Runs the script of a Spark job: `python -P run.py LAUNCH`, a program of its own.

LAUNCH is a JSON file as that of Python shell jobs, with {"settings", "catalog"} besides: what `--conf` sets, and
whether SQL sees the Data Catalog. Spark is a server of Sail in this process, which the script reaches by Spark Connect.
"""

import json
import os
import sys

from lakemill.pythonshell.run import run

CATALOG = "spark_catalog"
QUIET = "error"
_server: object = None
"""Held to the very end: the session takes its leave of it when the process exits."""


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        launch = json.load(file)
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


if __name__ == "__main__":
    main()
