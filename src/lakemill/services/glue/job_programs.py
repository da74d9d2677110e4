"""What runs the script of a job: one program for Python shell jobs, one for Spark jobs."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.spark import Environments, SparkMissing
from lakemill.services.glue import job_arguments
from lakemill.services.glue.job_capacity import PYTHON_SHELL, SPARK

PACKAGE = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Program:
    """runner: a Python file that takes the path of a launch file. libraries: what the script can import."""

    runner: Path
    libraries: tuple[Path, ...]


PROGRAMS = {
    PYTHON_SHELL: Program(PACKAGE / "pythonshell" / "run.py", (PACKAGE / "pythonshell" / "library",)),
    # What awsglue is made of lies in lakemill.glueetl, beside lakemill's other packages.
    SPARK: Program(
        PACKAGE / "glueetl" / "run.py",
        (PACKAGE / "glueetl" / "library", PACKAGE / "pythonshell" / "library", PACKAGE.parent),
    ),
}


def spark_launch(
    arguments: Mapping[str, str], temporary: Path, libraries: Path, environments: Environments
) -> dict[str, Any]:
    """What the launch file of a Spark job says beside what every job's does. libraries: where files of the job are.

    The runner chooses where Spark is: it reads the script, which this process does not.
    """
    found, missing = None, None
    try:
        environment = environments.find()
        found = {"python": str(environment.python), "home": str(environment.java.parent.parent)}
    except SparkMissing as error:
        missing = str(error)
    return {
        "java": found,
        "java_missing": missing,
        "modules": sorted(map(str, libraries.glob("*.py"))),
        "temporary": str(temporary),
        "settings": job_arguments.spark_settings(arguments),
        "catalog": job_arguments.switched_on(arguments, job_arguments.CATALOG),
    }


def spark_variables(endpoint: str, authority: Path | None, bookmarks: str, token: str) -> dict[str, str]:
    """Variables that Spark and awsglue need beside those that SDKs do.

    bookmarks: the page of bookmarks. token: the run's, which it asks to see.
    """
    found = {"LAKEMILL_BOOKMARKS": f"{endpoint}{bookmarks}", "LAKEMILL_RUN_TOKEN": token}
    if endpoint.startswith("http://"):
        found["AWS_ALLOW_HTTP"] = "true"
    if authority is not None:
        found["SSL_CERT_FILE"] = str(authority)
    return found


def python_path(*folders: Path) -> str:
    return os.pathsep.join(str(folder) for folder in folders)
