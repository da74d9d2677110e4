"""Starts Java with Spark in it, which finds S3 behind `s3://`, `s3a://` and `s3n://`."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway

from lakemill.sparkjvm.configuration import CLASSES, HERE, TEMPORARY, as_properties, configuration

FILE_SYSTEM = Path(__file__).with_name("LakeFileSystem.java")


def start(address: str, folder: Path, settings: Mapping[str, str]) -> None:
    """Start Java for this process: what asks for a context or a session of Spark's from now on gets one there.

    address: of the gateway. folder: for what Spark needs on the disk. settings: `spark.*`, over the defaults.
    """
    for name in (CLASSES, TEMPORARY):
        (folder / name).mkdir(parents=True, exist_ok=True)
    properties = folder / "spark.properties"
    # A file, because whoever may list processes sees their arguments.
    properties.touch(mode=0o600)
    properties.write_text(as_properties(configuration(address, folder, settings)), encoding="utf-8")
    os.environ |= {"SPARK_LOCAL_IP": HERE, "SPARK_LOCAL_DIRS": str(folder / "local")}
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {shlex.quote(str(properties))} pyspark-shell"
    java = launch_gateway()
    _compile(java, FILE_SYSTEM, folder / CLASSES)
    SparkContext._ensure_initialized(gateway=java)


def _compile(java: Any, source: Path, classes: Path) -> None:
    """With the compiler that Spark brings for its own code, so that no JDK is needed."""
    file = java.jvm.java.io.File
    compiler = java.jvm.org.codehaus.janino.Compiler()
    compiler.setDestinationDirectory(file(str(classes)), False)
    sources = java.new_array(file, 1)
    sources[0] = file(str(source))
    compiler.compile(sources)
