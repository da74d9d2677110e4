"""Arguments of jobs: which win, which mean something to the service, which are reserved.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lakemill.services.glue import shapes
from lakemill.services.glue.job_capacity import PYTHON_SHELL, SPARK

RESERVED = ("--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--WORKFLOW_NAME", "--WORKFLOW_RUN_ID", "--debug", "--mode")
"""Glue says these itself."""
SCRIPT, LIBRARIES, FILES = "--scriptLocation", "--extra-py-files", "--extra-files"
MODULES, INSTALLER, LANGUAGE = "--additional-python-modules", "--python-modules-installer-option", "--job-language"
BOOKMARK, BOOKMARK_OFF = "--job-bookmark-option", "job-bookmark-disable"
BOOKMARKS = ("job-bookmark-enable", BOOKMARK_OFF, "job-bookmark-pause")
BOOKMARK_RANGE = ("--job-bookmark-from", "--job-bookmark-to")
SETTINGS, CATALOG = "--conf", "--enable-glue-datacatalog"
OFF = ("false", "")
UNSUPPORTED = {
    "--class": "there is no Scala",
    "--extra-jars": "no jars are added to Spark",
    "--user-jars-first": "no jars are added to Spark",
    "--datalake-formats": "Delta and Iceberg need no further libraries; leave it out",
    "--enable-spark-ui": "there is no Spark history server",
    "--enable-job-insights": "there is nothing that would analyse a run",
    "--enable-auto-scaling": "a run works on this machine",
}
"""Arguments that ask for what there is not, unless they are switched off."""
METRICS = ("--enable-metrics", "--enable-observability-metrics")
LIBRARY_ENDINGS = (".py", ".zip", ".egg", ".whl")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==([^=\s]+))?")


def effective(definition: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """What a run works with: a job's defaults, over them what the run was given, over that what cannot be overridden.

    >>> effective({"DefaultArguments": {"--a": "1", "--b": "1"}, "NonOverridableArguments": {"--a": "3"}}, {"--a": "2"})
    {'--a': '3', '--b': '1'}
    """
    return {**definition.get("DefaultArguments", {}), **given, **definition.get("NonOverridableArguments", {})}


def check(arguments: Mapping[str, str], command: str | None = None) -> None:
    """Raise InvalidInputException for an argument that cannot be honoured.

    command: the job's; None where it is not known.
    """
    for name in RESERVED:
        if name in arguments:
            raise shapes.invalid(f"{name} is reserved: Glue sets it itself.")
    if arguments.get(LANGUAGE, "python") != "python":
        raise shapes.invalid(f"{LANGUAGE} must be python; got {arguments[LANGUAGE]}.")
    _check_bookmarks(arguments, command)
    if command == SPARK:
        _check_spark(arguments)
    for name in METRICS:
        if switched_on(arguments, name):
            raise shapes.invalid(f"{name} is not supported: there are no metrics in CloudWatch; leave it out.")
    if INSTALLER in arguments:
        raise shapes.invalid(f"{INSTALLER} is not supported: nothing is installed when a job runs.")
    for name in (SCRIPT, LIBRARIES, FILES):
        for uri in listed(arguments, name):
            s3_place(uri, name)
    for uri in libraries(arguments):
        if not uri.endswith(LIBRARY_ENDINGS):
            raise shapes.invalid(f"{LIBRARIES} takes files that end with {', '.join(LIBRARY_ENDINGS)}; got {uri}.")
    _check_modules(one for one in listed(arguments, MODULES) if not one.startswith("s3://"))


def spark_settings(arguments: Mapping[str, str]) -> dict[str, str]:
    """What `--conf` sets, which may say `--conf` again. Raises InvalidInputException.

    >>> spark_settings({"--conf": "spark.sql.shuffle.partitions=4 --conf spark.sql.ansi.enabled=true"})
    {'spark.sql.shuffle.partitions': '4', 'spark.sql.ansi.enabled': 'true'}
    """
    found = {}
    for part in re.split(r"\s*--conf\s+", f" {arguments.get(SETTINGS, '')}"):
        name, separator, value = part.strip().partition("=")
        if not name:
            continue
        if not separator or not name.startswith("spark."):
            raise shapes.invalid(f"{SETTINGS} takes spark.name=value; got {part.strip()}.")
        found[name] = value
    return found


def switched_on(arguments: Mapping[str, str], name: str) -> bool:
    """Whether an argument is there and says no other than yes, as `--enable-metrics` does with an empty value."""
    return name in arguments and arguments[name].lower() != "false"


def listed(arguments: Mapping[str, str], name: str) -> list[str]:
    """The parts of a value that is separated by commas."""
    return [part.strip() for part in arguments.get(name, "").split(",") if part.strip()]


def libraries(arguments: Mapping[str, str]) -> list[str]:
    """All files that are to be on the script's path."""
    return [*listed(arguments, LIBRARIES), *(one for one in listed(arguments, MODULES) if one.startswith("s3://"))]


def s3_place(uri: str, what: str) -> tuple[str, str]:
    """(bucket, key). Raises InvalidInputException.

    >>> s3_place("s3://lake/jobs/nightly.py", "ScriptLocation")
    ('lake', 'jobs/nightly.py')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or key.rpartition("/")[2] in ("", ".", ".."):
        raise shapes.invalid(f"{what} must be an object, s3://bucket/key; got {uri}.")
    return bucket, key


def command_line(arguments: Mapping[str, str]) -> list[str]:
    """As the script sees them."""
    return [part for name, value in arguments.items() for part in (name, value)]


def _check_spark(arguments: Mapping[str, str]) -> None:
    for name, reason in UNSUPPORTED.items():
        if arguments.get(name, "false").lower() not in OFF:
            raise shapes.invalid(f"{name} is not supported: {reason}.")
    spark_settings(arguments)


def _check_bookmarks(arguments: Mapping[str, str], command: str | None) -> None:
    option = arguments.get(BOOKMARK, BOOKMARK_OFF)
    ends = [name for name in BOOKMARK_RANGE if name in arguments]
    if command == PYTHON_SHELL and (option != BOOKMARK_OFF or ends):
        raise shapes.invalid(f"{BOOKMARK} {option} is not supported: Python shell jobs have no bookmarks.")
    if option not in BOOKMARKS:
        raise shapes.invalid(f"{BOOKMARK} must be one of {', '.join(BOOKMARKS)}; got {option}.")
    if ends and (option != "job-bookmark-pause" or len(ends) < len(BOOKMARK_RANGE)):
        raise shapes.invalid(f"{' and '.join(BOOKMARK_RANGE)} go together, with {BOOKMARK} job-bookmark-pause.")


def _check_modules(modules: Iterable[str]) -> None:
    for module in modules:
        found = _PINNED.fullmatch(module)
        if found is None:
            raise shapes.invalid(f"{MODULES} takes name or name==version, or a wheel on S3; got {module}.")
        name, version = found.groups()
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise shapes.invalid(
                f"{MODULES} names {name}, which is not installed beside lakemill: nothing is fetched when a job runs."
            ) from None
        if version is not None and version != installed:
            raise shapes.invalid(
                f"{MODULES} asks for {module}, but {installed} is installed beside lakemill: nothing is fetched when a "
                "job runs."
            )
