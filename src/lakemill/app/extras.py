"""What may be installed beside lakemill."""

from lakemill.engines.flink import PINS, Environments, FlinkMissing
from lakemill.engines.spark import Environments as SparkEnvironments
from lakemill.engines.spark import SparkMissing
from lakemill.settings import Settings


def flink_environments(settings: Settings) -> dict[str, str | None]:
    """The command that brings what each version of Flink lacks here, by the name of its runtime; None: nothing."""
    environments = Environments(settings.flink_programs)
    found: dict[str, str | None] = {}
    for version in sorted(PINS):
        name = f"FLINK-{version[0]}_{version[1]}"
        try:
            environments.find(version)
            found[name] = None
        except FlinkMissing as missing:
            found[name] = missing.command
    return found


def spark_on_java(settings: Settings) -> str | None:
    """The command that brings what Spark on Java lacks here; None: nothing."""
    try:
        SparkEnvironments(settings.spark_programs).find()
    except SparkMissing as missing:
        return missing.command
    return None
