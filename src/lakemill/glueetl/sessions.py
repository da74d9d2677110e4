"""The script's session of Spark: on Sail, or on Java (see needs)."""

from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

NO_RDD = (
    "{what} is not provided: this Spark job runs on Sail, which has DataFrames and SQL but no RDDs and no MLlib. "
    "Use DataFrames (spark.createDataFrame, mapInPandas, mapInArrow), or run it on Java, where these are: make spark "
    "brings it, and the job's argument --conf spark.api.mode=classic chooses it."
)


class NotProvided(NotImplementedError):
    """The script asks for what there is not, where it runs."""


def session(settings: dict[str, str] | None = None) -> Any:
    """The script's SparkSession, of PySpark or of its client."""
    builder: Any = SparkSession.builder
    for name, value in (settings or {}).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def on_java() -> bool:
    return not is_remote()
