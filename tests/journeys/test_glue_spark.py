"""Glue's Spark jobs through boto3: scripts as people write them, on Sail."""

import io
import json
import re
import urllib.error
import urllib.request

import numpy as np
import pandas
import pytest
from botocore.exceptions import ClientError
from tests.journeys.matching import Matching
from tests.journeys.spark import HEAD, SparkSite
from tests.unit.matching.people import pair_f1

PERSONS = [
    {"id": "p1", "name": "Ann", "links": [{"note": "web", "url": "a.example"}, {"note": "news", "url": "b.example"}]},
    {"id": "p2", "name": "Bob", "birth_date": "1950-01-02", "links": [{"note": "web", "url": "c.example"}]},
    {"id": 3, "name": "Cy", "contact": {"fax": "1", "phone": "2"}},
]
MEMBERSHIPS = [
    {"person_id": "p1", "organization_id": "o1", "role": "member"},
    {"person_id": "p2", "organization_id": "o1", "role": "chair"},
    {"person_id": "p2", "organization_id": "o2", "role": "member"},
]
ORGANIZATIONS = [{"id": "o1", "name": "House", "seats": 435}, {"id": "o2", "name": "Senate", "seats": 100}]

LEGISLATORS = """
persons = read("persons/", context="persons")
memberships = read("memberships/", context="memberships")
organizations = read("organizations/")
print("new persons", persons.count(), "memberships", memberships.count())
if memberships.count():
    persons.printSchema()
    persons = persons.resolveChoice(specs=[("id", "cast:string")])
    organizations = organizations.drop_fields(["nothing"]).rename_field("id", "org_id").rename_field("name", "org_name")
    joined = Join.apply(persons, memberships, "id", "person_id")
    history = Join.apply(organizations, joined, "org_id", "organization_id").drop_fields(["person_id", "org_id"])
    print("history", history.count())
    tables = history.relationalize("hist_root", s3("tmp/"))
    print(sorted(tables.keys()))
    tables.select("hist_root_links").toDF().orderBy("id", "index").show()
    mapped = ApplyMapping.apply(frame=history, mappings=[
        ("name", "string", "person", "string"), ("org_name", "string", "body", "string"),
        ("seats", "int", "seats", "long"), ("role", "string", "role", "string")])
    sink = glueContext.getSink(
        connection_type="s3", path=s3("history/"), enableUpdateCatalog=True, updateBehavior="UPDATE_IN_DATABASE",
        partitionKeys=["body"], transformation_ctx="sink")
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase=bucket.replace("-", "_"), catalogTableName="history")
    sink.writeFrame(mapped)
job.commit()
"""


def lines_of(records):
    return "\n".join(json.dumps(record) for record in records)


@pytest.fixture(scope="session")
def spark_site(lakemill):
    return SparkSite(lakemill)


@pytest.fixture(scope="session")
def legislators(spark_site):
    """A job that ran twice, with a new file in between: its name, and what each run printed."""
    site = spark_site
    site.put("persons/1.json", lines_of(PERSONS))
    site.put("memberships/1.json", lines_of(MEMBERSHIPS))
    site.put("organizations/1.json", lines_of(ORGANIZATIONS))
    arguments = {"job-bookmark-option": "job-bookmark-enable", "TempDir": f"s3://{site.bucket}/tmp/"}
    job = site.spark_job(LEGISLATORS, arguments)
    first = site.succeeded(job)
    site.put("persons/2.json", lines_of([{"id": "p1", "name": "Ann", "party": "blue"}]))
    return job, first, site.succeeded(job)


def test_records_are_joined_flattened_and_stored_beside_the_catalog(spark_site, legislators):
    _, (run, printed), _ = legislators
    assert (run["LogGroupName"], run["GlueVersion"], run["WorkerType"]) == ("/aws-glue/jobs", "4.0", "G.1X")
    text = "\n".join(printed)
    assert "new persons 3 memberships 3" in text
    assert "root\n|-- id: choice\n|    |-- string\n|    |-- int\n|-- name: string\n|-- links: array" in text
    assert "history 3\n['hist_root', 'hist_root_links']" in text
    assert "links.val.url" in text and "b.example" in text
    table = spark_site.glue.get_table(DatabaseName=spark_site.database, Name="history")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == [
        *(("person", "string"), ("seats", "bigint"), ("role", "string")),
    ]
    found = spark_site.glue.get_partitions(DatabaseName=spark_site.database, TableName="history")["Partitions"]
    assert sorted(one["Values"][0] for one in found) == ["House", "Senate"]
    keys = spark_site.keys("history/body=House/")
    assert re.fullmatch(r"history/body=House/run-\d{13}-part-r-\d{5}\.snappy\.parquet", keys[0])
    body = spark_site.s3.get_object(Bucket=spark_site.bucket, Key=keys[0])["Body"].read()
    rows = pandas.read_parquet(io.BytesIO(body)).sort_values("person")
    assert rows.to_dict("records")[0] == {"person": "Ann", "seats": 435, "role": "member"}


def test_the_second_run_reads_what_is_new(spark_site, legislators):
    job, (first, _), (second, printed) = legislators
    assert printed[0] == "new persons 1 memberships 0"
    entry = spark_site.glue.get_job_bookmark(JobName=job)["JobBookmarkEntry"]
    assert (entry["Run"], entry["Version"], entry["RunId"]) == (2, 2, second["Id"])
    assert entry["PreviousRunId"] == first["Id"] and set(json.loads(entry["JobBookmark"])) == {"persons", "memberships"}


@pytest.mark.slow
def test_a_bookmark_is_rewound_paused_and_reset(spark_site):
    site = spark_site
    site.put("marks/1.json", '{"a": 1}')
    script = 'print(read("marks/", context="marks").count())\njob.commit()'
    job = site.spark_job(script, {"job-bookmark-option": "job-bookmark-enable"})
    first, printed = site.succeeded(job)
    assert printed == ["1"]
    site.put("marks/2.json", '{"a": 2}\n{"a": 3}')
    second, printed = site.succeeded(job)
    assert printed == ["2"]
    pause = {"--bucket": site.bucket, "--job-bookmark-option": "job-bookmark-pause"}
    assert site.succeeded(job, Arguments=pause)[1] == ["0"]
    between = pause | {"--job-bookmark-from": first["Id"], "--job-bookmark-to": second["Id"]}
    assert site.succeeded(job, Arguments=between)[1] == ["2"]
    entry = site.glue.reset_job_bookmark(JobName=job, RunId=first["Id"])["JobBookmarkEntry"]
    assert (entry["RunId"], entry["Version"]) == (first["Id"], 3)
    assert site.succeeded(job)[1] == ["2"]
    site.glue.reset_job_bookmark(JobName=job)
    with pytest.raises(ClientError, match=r"Continuation for job .* not found"):
        site.glue.get_job_bookmark(JobName=job)
    assert site.succeeded(job)[1] == ["3"]


@pytest.mark.slow
def test_what_a_script_raises_is_told_and_what_is_not_provided_has_a_name(spark_site):
    script = "print(spark.range(3).count())\nspark.sparkContext.parallelize([1])"
    job = spark_site.spark_job(script, {"conf": "spark.api.mode=connect"})
    run = spark_site.run(job)
    assert run["JobRunState"] == "FAILED"
    assert "SparkContext.parallelize is not provided: this Spark job runs on Sail" in run["ErrorMessage"]
    assert spark_site.lines(run) == ["3"]
    assert any("Traceback" in line for line in spark_site.lines(run, "error"))


@pytest.mark.slow
def test_a_run_is_stopped(spark_site):
    job = spark_site.spark_job('import time\nprint("begun", flush=True)\ntime.sleep(60)')
    id = spark_site.start(job)
    spark_site.until(job, id, "RUNNING")
    answer = spark_site.glue.batch_stop_job_run(JobName=job, JobRunIds=[id])
    assert answer["SuccessfulSubmissions"] == [{"JobName": job, "JobRunId": id}]
    assert spark_site.until(job, id)["JobRunState"] == "STOPPED"


CATALOG = """
database = bucket.replace("-", "_")
orders = glueContext.create_dynamic_frame.from_catalog(
    database=database, table_name="orders", push_down_predicate="day > 1", transformation_ctx="orders")
orders.printSchema()
print(sorted(row["id"]["string"] or "" for row in orders.toDF().collect()))
clean = orders.resolveChoice(specs=[("id", "cast:long")])
clean = Filter.apply(clean, lambda row: row["id"] is not None)
spark.sql(f"SELECT o.day, count(*) AS n FROM {database}.orders AS o GROUP BY o.day ORDER BY 1").show()
spark.sql(f"USE {database}")
print("named", spark.table("orders").where("day = 2").count())
for format in ("json", "csv", "orc", "parquet"):
    glueContext.write_dynamic_frame.from_options(
        frame=clean, connection_type="s3", connection_options={"path": s3("copies/" + format)}, format=format)
    options = {"withHeader": True} if format == "csv" else {}
    again = read("copies/" + format, format, **options)
    print(format, again.count(), [field.name for field in again.schema().fields])
glueContext.write_dynamic_frame.from_catalog(frame=clean, database=database, table_name="orders")
print("after", spark.table("orders").count())
glueContext.purge_s3_path(s3("copies/json/"), {"retentionPeriod": 0})
"""


@pytest.mark.slow
def test_a_table_of_the_catalog_is_read_by_partitions_and_written(spark_site):
    site = spark_site
    storage = site.csv_table("orders", [("id", "bigint"), ("shop", "string")], [("day", "int")])
    site.put("orders/day=1/a.csv", "id,shop\n1,a\n")
    site.put("orders/day=2/a.csv", "id,shop\n2,b\nx,c\n")
    site.put("elsewhere/a.csv", "id,shop\n3,d\n")
    for day, place in (("1", "orders/day=1/"), ("2", "orders/day=2/"), ("3", "elsewhere/")):
        site.partition("orders", storage, [day], place)
    _, printed = site.succeeded(site.spark_job(CATALOG, {"enable-glue-datacatalog": ""}))
    text = "\n".join(printed)
    assert "|-- id: choice\n|    |-- long\n|    |-- string\n|-- shop: string\n|-- day: int" in text
    assert "['', '', 'x']" in text
    assert "|  1|  1|\n|  2|  2|\n|  3|  1|" in text and "named 2" in text
    for format in ("json", "csv", "orc", "parquet"):
        assert f"{format} 2 ['id', 'shop', 'day']" in text
    assert "after 5" in text  # The row for day 3 went to the table's own folder, which is no partition.
    assert site.keys("copies/json/") == [] and site.keys("copies/orc/")[0].endswith(".snappy.orc")
    assert len(site.keys("orders/day=3/")) == 1


MATCHES = """
from awsglueml.transforms import FindIncrementalMatches, FindMatches
transform = getResolvedOptions(sys.argv, ["transform"])["transform"]
print(transform)
people = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [s3("people/")]}, "csv")
names = args_columns.split(",")
people = people.apply_mapping([(f"col{at}", "string", name, "double" if name == "height" else "string")
                               for at, name in enumerate(names)])
found = FindMatches.apply(frame=people, transformId=transform, computeMatchConfidenceScores=True)
glueContext.write_dynamic_frame.from_options(
    frame=found.coalesce(1), connection_type="s3", connection_options={"path": s3("matched/")}, format="parquet")
known = found.toDF().limit(150).drop("match_confidence_score")
new = people.toDF().join(known.select("id"), "id", "left_anti").select(*names)
both = FindIncrementalMatches.apply(
    DynamicFrame.fromDF(known, glueContext, "known"), DynamicFrame.fromDF(new, glueContext, "new"), transform)
glueContext.write_dynamic_frame.from_options(
    frame=both.coalesce(1), connection_type="s3", connection_options={"path": s3("both/")}, format="parquet")
"""


def rows_of(matching, prefix):
    """What the one object of Parquet below a prefix holds."""
    found = matching.s3.list_objects_v2(Bucket=matching.name, Prefix=prefix)["Contents"]
    return pandas.read_parquet(io.BytesIO(matching.read(found[0]["Key"])))


@pytest.mark.slow
def test_a_job_applies_a_transform_that_was_taught(lakemill, spark_site):
    matching = Matching(lakemill)
    transform = matching.create()
    key = matching.questions(transform, "ask/")
    matching.teach(transform, matching.put("answers.csv", matching.answered(matching.read(key).decode())))
    location = matching.put("match.py", HEAD + MATCHES.replace("args_columns", repr(",".join(matching.columns))))
    matching.glue.create_job(
        Name=matching.name,
        Role=matching.role,
        Command={"Name": "glueetl", "ScriptLocation": location},
        DefaultArguments={"--bucket": matching.name, "--transform": transform},
    )
    spark_site.succeeded(matching.name)
    rows = rows_of(matching, "matched/")
    entities = np.array([matching.entity[key] for key in rows["id"]])
    assert pair_f1(rows["match_id"].to_numpy(), entities)[2] > 0.9
    assert set(rows.columns) == {*matching.columns, "match_id", "match_confidence_score"}
    both = rows_of(matching, "both/").sort_values("id")
    assert len(both) == len(rows)
    assert pair_f1(both["match_id"].to_numpy(), np.array([matching.entity[key] for key in both["id"]]))[2] > 0.8


MORE = """
database = bucket.replace("-", "_")
source = glueContext.getSource("s3", paths=[s3("things/")])
source.setFormat("json")
things = source.getFrame()

def sink(behaviour, frame):
    made = glueContext.getSink(connection_type="s3", path=s3("kept/"), enableUpdateCatalog=True,
                               updateBehavior=behaviour, partitionKeys=["day"])
    made.setFormat("json")
    made.setCatalogInfo(catalogDatabase=database, catalogTableName="kept")
    made.writeFrame(frame)

def columns():
    import boto3
    table = boto3.client("glue").get_table(DatabaseName=database, Name="kept")["Table"]
    return [column["Name"] for column in table["StorageDescriptor"]["Columns"]]

sink("UPDATE_IN_DATABASE", things.drop_fields(["new"]))
print("made", columns())
sink("LOG", things)
print("logged", columns())
sink("UPDATE_IN_DATABASE", things)
print("updated", columns())
kept = glueContext.create_dynamic_frame.from_catalog(
    database=database, table_name="kept", additional_options={"catalogPartitionPredicate": "day = '2'"})
print("chosen", kept.count())
wrong = things.apply_mapping([("a", "int", "a", "string"), ("day", "string", "day", "string")])
fitted = wrong.resolveChoice(choice="match_catalog", database=database, table_name="kept")
print("fitted", [(field.name, field.dataType.typeName()) for field in fitted.schema()])
things.spigot(s3("sample/"), {"topk": 1})
print("sample", read("sample/").count())
spark.range(3).write.format("delta").save(s3("delta/"))
print("delta", spark.read.format("delta").load(s3("delta/")).count())
from helping import answer
print("helped", answer, open("notes.txt").read())
try:
    glueContext.create_dynamic_frame.from_options("mysql", {})
except ValueError as error:
    print(error)
try:
    glueContext.create_dynamic_frame.from_options("s3", {"paths": [s3("things/")], "boundedFiles": "1"}, "json")
except ValueError as error:
    print(error)
glueContext.purge_table(database, "kept", {"retentionPeriod": 0})
print("purged", glueContext.create_dynamic_frame.from_catalog(database=database, table_name="kept").count())
"""


@pytest.mark.slow
def test_sinks_keep_the_catalog_current_and_libraries_are_found(spark_site):
    site = spark_site
    site.put("things/1.json", '{"a": 1, "day": "1"}\n{"a": 2, "day": "2", "new": true}')
    files = {
        "extra-py-files": site.put("libraries/helping.py", "answer = 42\n"),
        "extra-files": site.put("files/notes.txt", "a note"),
    }
    _, printed = site.succeeded(site.spark_job(MORE, files))
    assert printed == [
        "made ['a']",
        "logged ['a']",
        "updated ['a', 'new']",
        "chosen 3",
        "fitted [('a', 'int'), ('day', 'string')]",
        "sample 1",
        "delta 3",
        "helped 42 a note",
        "The connection type mysql is not supported: sources read from S3.",
        "The connection option boundedFiles is not supported for S3.",
        "purged 0",
    ]
    assert site.keys("kept/") == []


def test_the_page_of_bookmarks_is_for_runs_only(lakemill):
    request = urllib.request.Request(f"{lakemill.endpoint}/_lakemill/glue/bookmarks", headers={"Authorization": "x"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403
