"""What the script of a Spark job finds otherwise than PySpark has it, where Spark is on Java: little."""

import contextlib
import re
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

_FRAMES = re.compile(r"\n\s+at |\n\s*\.\.\. \d+ more|\n+JVM stacktrace:|\nDriver stacktrace:")


def install(*, catalog: bool) -> None:
    """The service says where Spark runs, as in Glue. catalog: whether SQL sees the Data Catalog."""
    conf: Any = SparkConf
    conf.setMaster = lambda self, value: self
    builder: Any = SparkSession.Builder
    create = builder.getOrCreate

    def get_or_create(self: Any) -> SparkSession:
        self._options.pop("spark.master", None)
        return create(self)  # type: ignore[no-any-return]

    builder.master = builder.enableHiveSupport = lambda self, *master: self
    builder.getOrCreate = get_or_create
    if catalog:
        from lakemill.glueetl import javatables

        javatables.install()


def leave() -> None:
    """End Spark, and Java with it."""
    context = SparkContext._active_spark_context
    with contextlib.suppress(Exception):  # Java ends with this process, whatever becomes of this.
        if context is not None:
            context.stop()


def shorten(failure: Path) -> None:
    """The run's ErrorMessage without the stack of Java, which is in the log."""
    if failure.exists():
        text = _FRAMES.split(failure.read_text(encoding="utf-8"), maxsplit=1)[0]
        failure.write_text(text.replace("\n: ", " ").strip(), encoding="utf-8")
