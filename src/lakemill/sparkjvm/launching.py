"""Starts Java with a session of Spark that finds S3 behind `s3://`, `s3a://` and `s3n://`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway

FILE_SYSTEM = Path(__file__).with_name("LakeFileSystem.java")
CLASS = "lakemill.LakeFileSystem"
SCHEMES = ("s3", "s3a", "s3n")
HERE = "127.0.0.1"

DEFAULTS = {
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "false",
}
"""What the script may say otherwise."""


def context(address: str, folder: Path, settings: Mapping[str, str]) -> SparkContext:
    """The context of this process.

    address: of the gateway. folder: for what Spark needs on the disk. settings: `spark.*`, over the defaults.
    """
    classes = folder / "classes"
    classes.mkdir(parents=True, exist_ok=True)
    os.environ["SPARK_LOCAL_IP"] = HERE
    conf = SparkConf(loadDefaults=True).setAll(list(configuration(address, folder, settings).items()))
    java = launch_gateway(conf)
    _compile(java, FILE_SYSTEM, classes)
    return SparkContext(conf=conf, gateway=java)


def configuration(address: str, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Where Spark works and where it finds S3 is not for the script to say."""
    systems = {f"spark.hadoop.fs.{scheme}.impl": CLASS for scheme in SCHEMES}
    extra = settings.get("spark.driver.extraClassPath")
    classes = f"{folder / 'classes'}{os.pathsep + extra if extra else ''}"
    return {
        **DEFAULTS,
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": f"file://{folder / 'warehouse'}",
        **settings,
        **systems,
        "spark.master": "local[*]",
        "spark.driver.bindAddress": HERE,
        "spark.driver.host": HERE,
        "spark.driver.extraClassPath": classes,
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
