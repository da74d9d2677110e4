"""What Spark on Java is told: where it works, and where it finds S3."""

import os
from collections.abc import Mapping
from pathlib import Path

CLASS = "lakemill.LakeFileSystem"
COMMITTER = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
SCHEMES = ("s3", "s3a", "s3n")
CLASS_PATH, JAVA_OPTIONS = "spark.driver.extraClassPath", "spark.driver.extraJavaOptions"
HERE = "127.0.0.1"
CLASSES, TEMPORARY = "classes", "java"
"""Folders that must be there."""

DEFAULTS = {
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}
"""What the script may say otherwise."""


def configuration(address: str, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Every setting. Where Spark works, and where it finds S3, is not for the script to say.

    address: of the gateway. folder: for what Spark needs on the disk. settings: `spark.*`, over the defaults.
    """
    systems = {f"spark.hadoop.fs.{scheme}.impl": CLASS for scheme in SCHEMES}
    extra = settings.get(CLASS_PATH)
    temporary = folder / TEMPORARY
    return {
        **DEFAULTS,
        "spark.sql.warehouse.dir": f"file://{folder / 'warehouse'}",
        **settings,
        **systems,
        "spark.master": "local[*]",
        "spark.driver.bindAddress": HERE,
        "spark.driver.host": HERE,
        CLASS_PATH: os.pathsep.join([str(folder / CLASSES), *([extra] if extra else [])]),
        JAVA_OPTIONS: f"-Djava.io.tmpdir={temporary} {settings.get(JAVA_OPTIONS, '')}".strip(),
        # For s3a:// Hadoop would take a committer of a library that PySpark does not bring.
        "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": COMMITTER,
        "spark.sql.catalogImplementation": "in-memory",
        # Everything is equally near, and asking where costs a request for each file.
        "spark.sql.sources.ignoreDataLocality": "true",
        "spark.hadoop.lakemill.gateway": address,
    }


def as_properties(settings: Mapping[str, str]) -> str:
    """
    >>> as_properties({"spark.app.name": "a\\\\b"})
    'spark.app.name=a\\\\\\\\b\\n'
    """
    escaped = {name: value.replace("\\", "\\\\").replace("\n", "\\n") for name, value in settings.items()}
    return "".join(f"{name}={value}\n" for name, value in escaped.items())
