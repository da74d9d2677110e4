"""What Spark on Java is told, and how its requests are read."""

from pathlib import Path

import pytest

from lakemill.sparkjvm.configuration import as_properties, configuration
from lakemill.sparkjvm.gateway import decoded

FOLDER = Path("/run/spark")


def told(**settings):
    given = {name.replace("_", "."): value for name, value in settings.items()}
    return configuration("webhdfs://127.0.0.1:1/secret", FOLDER, given)


def test_a_job_sets_what_it_may():
    found = told(spark_driver_memory="4g", spark_sql_ansi_enabled="true", spark_executor_cores="8")
    assert (found["spark.driver.memory"], found["spark.sql.ansi.enabled"]) == ("4g", "true")
    assert found["spark.executor.cores"] == "8"
    assert told()["spark.driver.memory"] == "2g"


def test_where_spark_works_and_finds_s3_is_not_for_a_job_to_say():
    found = told(spark_master="yarn", spark_hadoop_fs_s3_impl="com.example.Other", spark_driver_host="0.0.0.0")
    assert (found["spark.master"], found["spark.driver.host"]) == ("local[*]", "127.0.0.1")
    assert {found[f"spark.hadoop.fs.{scheme}.impl"] for scheme in ("s3", "s3a", "s3n")} == {"lakemill.LakeFileSystem"}
    assert found["spark.hadoop.lakemill.gateway"] == "webhdfs://127.0.0.1:1/secret"


def test_what_java_gets_besides_is_kept():
    found = told(spark_driver_extraClassPath="/jars/a.jar", spark_driver_extraJavaOptions="-Xss4m")
    assert found["spark.driver.extraClassPath"] == "/run/spark/classes:/jars/a.jar"
    assert found["spark.driver.extraJavaOptions"] == "-Djava.io.tmpdir=/run/spark/java -Xss4m"


def test_properties_are_escaped():
    assert as_properties({"spark.a": "b\\c\nd", "spark.e": "f=g"}) == "spark.a=b\\\\c\\nd\nspark.e=f=g\n"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a%20b/c?op=OPEN", "/a b/c", {"op": "OPEN"}),
        ("/k=ü%253A+x?OP=x&b=".encode().decode("latin-1"), "/k=ü%3A+x", {"op": "x", "b": ""}),
        ("/a?destination=%2Fb+c%2B%3F", "/a", {"destination": "/b c+?"}),
        ("/a%3Fb", "/a?b", {}),
    ],
)
def test_a_target_of_java_is_read(target, path, query):
    assert decoded(target) == (path, query)
