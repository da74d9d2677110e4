"""Glue's Spark jobs on Java through boto3: RDDs, MLlib and ORC, with the real Spark of `make spark`."""

import contextlib
import io
import os
import subprocess
import time
from pathlib import Path

import pandas
import pytest
from tests.journeys.spark import SparkSite

from lakemill.engines.spark import Environments, SparkMissing

PYTHON = os.environ.get("LAKEMILL_SPARK_PYTHON", "")
START_S = 900
"""Java and a session of Spark take twenty seconds where nothing else works."""


class JavaSite(SparkSite):
    """A site whose runs take their time."""

    def until_java(self, job, id):
        """Wait for the first line that a run prints, and see that Java is there."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(self.logs.exceptions.ResourceNotFoundException):
                if self.lines(self.get(job, id)):
                    return
            time.sleep(0.5)
        raise TimeoutError(self.get(job, id))

    def until(self, job, id, *states):
        deadline = time.monotonic() + START_S
        while True:
            try:
                return super().until(job, id, *states)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise


@pytest.fixture(scope="session")
def site(lakemill):
    return JavaSite(lakemill)


@pytest.fixture(scope="session")
def java():
    try:
        return Environments([Path(PYTHON)] if PYTHON else []).find()
    except SparkMissing as missing:
        pytest.skip(str(missing))


RDDS = """
import pandas as pd
from pyspark.sql import Row, functions as F
from awsglue.gluetypes import Field, LongType, StringType, StructType

sc = glueContext.sparkContext
seen, common = sc.accumulator(0), sc.broadcast({"the"})

def words(line):
    seen.add(1)
    return [word for word in line.split() if word not in common.value]

counts = sc.textFile(s3("texts/")).flatMap(words).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
print("words", sorted(counts.collect()), "lines", seen.value)
counts.saveAsTextFile(s3("counts"))
rows = sc.parallelize([Row(id=1, name="a"), Row(id=2, name="b")]).toDF()
made = glueContext.create_dynamic_frame_from_rdd(rows.rdd, "made")
print("made", made.toDF().rdd.map(lambda row: row.name).collect(), made.getNumPartitions() > 0)
typed = glueContext.create_dynamic_frame.from_rdd(
    sc.parallelize([{"id": 3, "name": None}]), "typed",
    StructType([Field("id", LongType()), Field("name", StringType())]))
print("typed", typed.toDF().collect())

frame = spark.range(10).withColumn("day", F.concat(F.lit("d ü:"), F.col("id") % 2))
for path in ("s3://", "s3a://"):
    frame.write.mode("append").partitionBy("day").orc(path + bucket + "/orc/")
print("orc", spark.read.orc(s3("orc/")).groupBy("day").count().orderBy("day").collect())
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
frame.where("id = 1").write.mode("overwrite").partitionBy("day").orc(s3("orc/"))
print("replaced", spark.read.orc(s3("orc/")).count())
frame.write.mode("overwrite").parquet(s3("whole/"))
frame.limit(4).write.mode("overwrite").parquet(s3("whole/"))
print("whole", spark.read.parquet(s3("whole/")).count())
print("pandas", spark.createDataFrame(pd.DataFrame({"a": [1, 2]})).toPandas().a.sum())
try:
    spark.read.parquet("s3://" + args["forbidden"] + "/x/").count()
except Exception as error:
    print("denied", "AccessControlException" in str(error))
try:
    frame.rdd.map(lambda row: 1 // 0).saveAsTextFile(s3("failed"))
except Exception:
    print("failed")
"""
LEFT_OUT = ("_temporary", ".spark-staging")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_script_with_rdds_and_orc_runs_on_java(site, java):
    site.put("texts/a.txt", "the cat\nthe dog")
    site.put("texts/b.txt", "a cat")
    forbidden = f"{site.bucket}-none-of-yours"
    site.s3.create_bucket(Bucket=forbidden)
    script = RDDS.replace('args["forbidden"]', repr(forbidden))
    _, printed = site.succeeded(site.spark_job(script, {"conf": "spark.sql.shuffle.partitions=2"}))
    assert printed == [
        "words [('a', 1), ('cat', 2), ('dog', 1)] lines 3",
        "made ['a', 'b'] True",
        "typed [Row(id=3, name=None)]",
        "orc [Row(day='d ü:0', count=10), Row(day='d ü:1', count=10)]",
        "replaced 11",
        "whole 4",
        "pandas 3",
        "denied True",
        "failed",
    ]
    keys = site.keys("")
    assert not [key for key in keys if any(part in key for part in LEFT_OUT)]
    assert "counts/_SUCCESS" in keys and not [key for key in keys if key.startswith("failed")]
    stored = [key for key in keys if key.startswith("orc/day=d ü%3A0/")]
    body = site.s3.get_object(Bucket=site.bucket, Key=stored[0])["Body"].read()
    assert set(pandas.read_orc(io.BytesIO(body))["id"]) <= {0, 2, 4, 6, 8}


FRAMES = """
database = bucket.replace("-", "_")
orders = glueContext.create_dynamic_frame.from_catalog(
    database=database, table_name="orders", push_down_predicate="day > 1", transformation_ctx="orders")
clean = orders.resolveChoice(specs=[("id", "cast:long")])
clean = Filter.apply(clean, lambda row: row["id"] is not None)
doubled = Map.apply(frame=clean, f=lambda row: {**row, "twice": row["id"] * 2})
print(sorted(doubled.toDF().rdd.map(lambda row: row.twice).collect()))
spark.sql(f"USE {database}")
print(spark.sql("SELECT day, count(*) AS n FROM orders GROUP BY day ORDER BY day").collect())
print([row.tableName for row in spark.sql("SHOW TABLES").collect()], spark.table("orders").where("day = 2").count())
for statement in ("INSERT INTO orders SELECT 1", "CREATE TABLE other AS SELECT 1 AS a", "DROP TABLE orders"):
    try:
        spark.sql(statement)
    except NotImplementedError as error:
        print(str(error).partition(" where")[0])
sink = glueContext.getSink(connection_type="s3", path=s3("kept/"), enableUpdateCatalog=True, partitionKeys=["day"])
sink.setFormat("orc")
sink.setCatalogInfo(catalogDatabase=database, catalogTableName="kept")
sink.writeFrame(doubled)
print(spark.table("kept").select("id", "day", "twice").orderBy("id").collect())
sink.writeFrame(doubled.filter(lambda row: False))
job.commit()
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_dynamic_frames_and_the_catalog_work_on_java(site, java):
    storage = site.csv_table("orders", [("id", "bigint"), ("shop", "string")], [("day", "int")])
    for day, text in (("1", "1,a"), ("2", "2,b\nx,c"), ("3", "3,d")):
        site.put(f"orders/day={day}/a.csv", f"id,shop\n{text}\n")
        site.partition("orders", storage, [day], f"orders/day={day}/")
    _, printed = site.succeeded(site.spark_job(FRAMES, {"enable-glue-datacatalog": ""}))
    assert printed == [
        "[4, 6]",
        "[Row(day=1, n=1), Row(day=2, n=2), Row(day=3, n=1)]",
        "['orders'] 2",
        "INSERT is not provided",
        "CREATE TABLE is not provided",
        "DROP is not provided",
        "[Row(id=2, day=2, twice=4), Row(id=3, day=3, twice=6)]",
    ]
    assert len(site.keys("kept/")) == 2


def javas(site):
    """Processes of Java that run for this lakemill."""
    found = subprocess.run(["pgrep", "-f", f"java.*{site.lakemill.data}"], capture_output=True, text=True, check=False)
    return found.stdout.split()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_failure_is_told_without_the_stack_of_java_and_a_stop_ends_java(site, java):
    failing = site.spark_job("glueContext.sparkContext.parallelize([1]).saveAsTextFile('s3://no-such-bucket-here/x')")
    run = site.run(failing)
    assert run["JobRunState"] == "FAILED" and "\tat " not in run["ErrorMessage"]
    assert run["ErrorMessage"].startswith("py4j.protocol.Py4JJavaError: An error occurred while calling ")
    assert any("\tat org.apache.spark" in line for line in site.lines(run, "error"))
    waiting = site.spark_job("print(spark.range(2).rdd.count(), flush=True)\nimport time\ntime.sleep(600)")
    id = site.start(waiting)
    site.until_java(waiting, id)
    assert javas(site)
    site.glue.batch_stop_job_run(JobName=waiting, JobRunIds=[id])
    assert site.until(waiting, id)["JobRunState"] == "STOPPED"
    assert not javas(site)


WAITS = """
import boto3, time
counted = glueContext.sparkContext.textFile(s3("texts/")).count()
print("before", counted, flush=True)
while True:
    try:
        boto3.client("s3").get_object(Bucket=bucket, Key="go")
        break
    except Exception:
        time.sleep(0.1)
glueContext.sparkContext.parallelize(range(1000), 2).map(str).saveAsTextFile(s3("after"))
print("after", glueContext.sparkContext.textFile(s3("after")).count())
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_java_goes_on_when_lakemill_is_killed(fresh, java):
    running = fresh()
    site = JavaSite(running)
    site.put("texts/a.txt", "one\ntwo")
    job = site.spark_job(WAITS)
    id = site.start(job)
    site.until_java(job, id)
    running.kill()
    running.start()
    assert any("attached to it again" in line for line in running.lines), running.lines
    site.put("go", "")
    run = site.until(job, id)
    assert run["JobRunState"] == "SUCCEEDED", (run.get("ErrorMessage"), site.lines(run, "error"))
    assert site.lines(run) == ["before 2", "after 1000"]
    assert [key for key in site.keys("after/") if "part-" not in key] == ["after/_SUCCESS"]


def test_what_needs_java_is_refused_where_there_is_none(fresh, tmp_path):
    site = SparkSite(fresh("--spark-python", str(tmp_path / "none" / "bin" / "python")))
    job = site.spark_job("from pyspark.ml import Pipeline\nprint('not reached')")
    run = site.run(job)
    assert run["JobRunState"] == "FAILED"
    assert any("make spark" in line for line in site.lines(run, "error"))
    assert "uses pyspark.ml in line" in run["ErrorMessage"] and "make spark" in run["ErrorMessage"]
    assert run["ErrorMessage"].endswith("--conf spark.api.mode=connect runs it on Sail all the same")
