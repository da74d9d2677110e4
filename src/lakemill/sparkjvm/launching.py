"""Starts Java with a session of Spark that finds S3 behind `s3://`, `s3a://` and `s3n://`."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway

FILE_SYSTEM = Path(__file__).with_name("LakeFileSystem.java")
CLASS = "lakemill.LakeFileSystem"
COMMITTER = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
SCHEMES = ("s3", "s3a", "s3n")
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
HERE = "127.0.0.1"

DEFAULTS = {
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}
"""What the script may say otherwise."""


def start(address: str, folder: Path, settings: Mapping[str, str]) -> None:
    """Start Java for this process: what asks for a context or a session of Spark's from now on gets one there.

    address: of the gateway. folder: for what Spark needs on the disk. settings: `spark.*`, over the defaults.
    """
    classes = folder / "classes"
    for one in (classes, folder / "java"):
        one.mkdir(parents=True, exist_ok=True)
    properties = folder / "spark.properties"
    # A file, because whoever may list processes sees their arguments.
    properties.touch(mode=0o600)
    properties.write_text(as_properties(configuration(address, folder, settings)), encoding="utf-8")
    os.environ |= {"SPARK_LOCAL_IP": HERE, "SPARK_LOCAL_DIRS": str(folder / "local")}
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {shlex.quote(str(properties))} pyspark-shell"
    java = launch_gateway()
    _compile(java, FILE_SYSTEM, classes)
    SparkContext._ensure_initialized(gateway=java)


def as_properties(settings: Mapping[str, str]) -> str:
    """
    >>> as_properties({"spark.app.name": "a\\\\b"})
    'spark.app.name=a\\\\\\\\b\\n'
    """
    escaped = {name: value.replace("\\", "\\\\").replace("\n", "\\n") for name, value in settings.items()}
    return "".join(f"{name}={value}\n" for name, value in escaped.items())


def configuration(address: str, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Where Spark works and where it finds S3 is not for the script to say."""
    systems = {f"spark.hadoop.fs.{scheme}.impl": CLASS for scheme in SCHEMES}
    extra = settings.get("spark.driver.extraClassPath")
    temporary = folder / "java"
    classes = f"{folder / 'classes'}{os.pathsep + extra if extra else ''}"
    return {
        **DEFAULTS,
        "spark.sql.warehouse.dir": f"file://{folder / 'warehouse'}",
        **settings,
        **systems,
        "spark.master": "local[*]",
        "spark.driver.bindAddress": HERE,
        "spark.driver.host": HERE,
        "spark.driver.extraClassPath": classes,
        JAVA_OPTIONS: f"-Djava.io.tmpdir={temporary} {settings.get(JAVA_OPTIONS, '')}".strip(),
        # For s3a:// Hadoop would take a committer of a library that PySpark does not bring.
        "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": COMMITTER,
        "spark.sql.catalogImplementation": "in-memory",
        # Everything is equally near, and asking where costs a request for each file.
        "spark.sql.sources.ignoreDataLocality": "true",
        "spark.hadoop.lakemill.gateway": address,
    }


def _compile(java: Any, source: Path, classes: Path) -> None:
    """With the compiler that Spark brings for its own code, so that no JDK is needed."""
    file = java.jvm.java.io.File
    compiler = java.jvm.org.codehaus.janino.Compiler()
    compiler.setDestinationDirectory(file(str(classes)), False)
    sources = java.new_array(file, 1)
    sources[0] = file(str(source))
    compiler.compile(sources)
