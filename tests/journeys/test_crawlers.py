"""Crawlers over a lake as people leave it, through boto3."""

import bz2
import gzip
import io
import json
import random
import subprocess
import sys
import time

import botocore.exceptions
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
WAIT_S = 60
LOG = '10.0.0.{} - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "-" "curl/8.0"\n'


def role(lakemill, name, *actions):
    iam = lakemill.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="crawl", PolicyDocument=document)
    return arn


@pytest.fixture(scope="session")
def arn(lakemill):
    return role(lakemill, "crawler", "s3:*", "glue:*", "logs:*")


@pytest.fixture(scope="session")
def glue(lakemill):
    return lakemill.client("glue")


def parquet(**columns):
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def orc(**columns):
    target = io.BytesIO()
    pyarrow.orc.write_table(pa.table(columns), target)
    return target.getvalue()


def lines(*records):
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def fill(lakemill, bucket, objects):
    s3 = lakemill.client("s3")
    s3.create_bucket(Bucket=bucket)
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    return s3


def crawl(glue, name):
    """Start it and wait for its end; how it ended."""
    glue.start_crawler(Name=name)
    return wait(glue, name)


def wait(glue, name):
    end = time.monotonic() + WAIT_S
    while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        assert time.monotonic() < end, f"{name} is {crawler['State']} for {WAIT_S} seconds"
        time.sleep(0.05)
    return crawler["LastCrawl"]


def tables(glue, database):
    return {one["Name"]: one for one in glue.get_tables(DatabaseName=database)["TableList"]}


def columns(table):
    return {one["Name"]: one["Type"] for one in table["StorageDescriptor"]["Columns"]}


def keys(table):
    return [one["Name"] for one in table["PartitionKeys"]]


def partitions(glue, database, table):
    found = glue.get_partitions(DatabaseName=database, TableName=table)["Partitions"]
    return {tuple(one["Values"]): one for one in found}


def code(error):
    return error.value.response["Error"]["Code"]


MESSY = {
    # Partitions in partitions, with a column that came later.
    "lake/sales/year=2023/month=01/part-0.parquet": parquet(id=[1, 2], amount=[1.5, 2.5]),
    "lake/sales/year=2023/month=02/part-0.parquet": parquet(id=[3], amount=[1.0]),
    "lake/sales/year=2024/month=01/part-0.parquet": parquet(id=[4], amount=[2.0], channel=["web"], note=["x"]),
    "lake/sales/_SUCCESS": b"",
    "lake/sales/_temporary/0/part-0.parquet": b"half of a fi",
    # Packed in several ways, by day.
    "lake/clicks/2024-01-01/a.csv.gz": gzip.compress(b"id,page,ms\n1,/a,10\n2,/b,20\n"),
    "lake/clicks/2024-01-02/a.csv": b"id,page,ms\n3,/a,10\n4,/b,20\n",
    "lake/clicks/2024-01-03/a.csv.bz2": bz2.compress(b"id,page,ms\n5,/a,10\n6,/b,20\n"),
    # No header.
    "lake/weather/2024.csv": b"oslo,3.5,1\nrome,20.1,2\n",
    # Fields that come, go and change.
    "lake/events/part-1.json": lines({"id": 1, "kind": "a", "at": 5}, {"id": 2, "kind": "b", "extra": {"x": 1}}),
    "lake/events/part-2.json": lines({"id": "three", "kind": "c", "at": 7, "extra": {"y": [1.5]}}),
    # A server's logs, with the archive of another's.
    "lake/access/host-1.log": (LOG.format(1) + LOG.format(2)).encode(),
    "lake/access/host-2.log": LOG.format(3).encode(),
    "lake/stock/part.orc": orc(sku=["a"], n=pa.array([1], pa.int32())),
    # What nobody means.
    "lake/stock/.part.orc.crc": b"\x00\x01",
    "lake/tmp/x.csv": b"id,n\n1,2\n3,4\n",
    "lake/queries/1.csv.metadata": b"\x08\x01",
}


@pytest.fixture(scope="session")
def messy(lakemill, glue, arn):
    fill(lakemill, "messy", MESSY)
    glue.create_crawler(
        Name="messy",
        Role=arn,
        DatabaseName="Messy",
        Targets={"S3Targets": [{"Path": "s3://messy/lake/", "Exclusions": ["tmp/**", "**.*.metadata"]}]},
        Tags={"team": "lake"},
    )
    assert crawl(glue, "messy")["Status"] == "SUCCEEDED"
    return tables(glue, "messy")


class TestMessyLake:
    def test_the_tables_are_those_a_person_would_write(self, messy):
        assert sorted(messy) == ["access", "clicks", "events", "sales", "stock", "weather"]

    def test_partitions_within_partitions_take_the_columns_of_all(self, messy, glue):
        sales = messy["sales"]
        assert columns(sales) == {"id": "bigint", "amount": "double", "channel": "string", "note": "string"}
        assert keys(sales) == ["year", "month"]
        found = partitions(glue, "messy", "sales")
        assert sorted(found) == [("2023", "01"), ("2023", "02"), ("2024", "01")]
        assert found["2023", "02"]["StorageDescriptor"]["Location"] == "s3://messy/lake/sales/year=2023/month=02/"
        assert sales["Parameters"]["classification"] == "parquet"
        assert sales["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
        assert (sales["Parameters"]["recordCount"], sales["Parameters"]["objectCount"]) == ("4", "3")

    def test_folders_of_days_are_partitions_however_they_are_packed(self, messy, glue):
        clicks = messy["clicks"]
        assert columns(clicks) == {"id": "bigint", "page": "string", "ms": "bigint"}
        assert keys(clicks) == ["partition_0"]
        assert clicks["Parameters"]["skip.header.line.count"] == "1"
        assert clicks["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
        packed = {
            values: one["Parameters"]["compressionType"] for values, one in partitions(glue, "messy", "clicks").items()
        }
        assert packed == {("2024-01-01",): "gzip", ("2024-01-02",): "none", ("2024-01-03",): "bzip2"}

    def test_a_file_without_a_header_has_numbered_columns(self, messy):
        assert columns(messy["weather"]) == {"col0": "string", "col1": "double", "col2": "bigint"}
        assert "skip.header.line.count" not in messy["weather"]["Parameters"]

    def test_json_whose_fields_change(self, messy):
        expected = {"id": "string", "kind": "string", "at": "int", "extra": "struct<x:int,y:array<double>>"}
        assert columns(messy["events"]) == expected
        assert messy["events"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]["paths"] == "at,extra,id,kind"

    def test_logs_and_orc(self, messy):
        assert messy["access"]["Parameters"]["classification"] == "combined_apache"
        assert list(columns(messy["access"]))[:2] == ["clientip", "ident"]
        assert messy["access"]["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("GrokSerDe")
        assert columns(messy["stock"]) == {"sku": "string", "n": "int"}

    def test_every_table_says_who_wrote_it(self, messy):
        for table in messy.values():
            assert table["TableType"] == "EXTERNAL_TABLE"
            assert table["Parameters"]["UPDATED_BY_CRAWLER"] == "messy"
            assert table["Parameters"]["typeOfData"] == "file"
            assert json.loads(table["Parameters"]["exclusions"]) == ["tmp/**", "**.*.metadata"]

    def test_its_crawl_is_told(self, messy, lakemill, glue):
        crawler = glue.get_crawler(Name="messy")["Crawler"]
        last = crawler["LastCrawl"]
        assert (last["LogGroup"], last["LogStream"]) == ("/aws-glue/crawlers", "messy")
        (history,) = glue.list_crawls(CrawlerName="messy")["Crawls"]
        assert (history["State"], history["CrawlId"]) == ("COMPLETED", last["MessagePrefix"])
        assert json.loads(history["Summary"]) == {"TABLE": {"ADD": 6}, "PARTITION": {"ADD": 6}}
        (metrics,) = glue.get_crawler_metrics(CrawlerNameList=["messy"])["CrawlerMetricsList"]
        assert metrics["TablesCreated"] == 6 and metrics["LastRuntimeSeconds"] > 0
        logs = lakemill.client("logs")
        events = logs.get_log_events(logGroupName="/aws-glue/crawlers", logStreamName="messy")["events"]
        assert any("Created table sales in database messy" in event["message"] for event in events)
        assert all(event["message"].startswith(f"[{last['MessagePrefix']}] ") for event in events)


def test_a_second_crawl_follows_what_changed(lakemill, glue, arn):
    s3 = fill(
        lakemill,
        "changing",
        {
            "d/t/day=1/a.json": lines({"a": 1, "b": 1}),
            "d/t/day=2/a.json": lines({"a": 1, "b": 1}),
            "d/gone/a.json": lines({"x": 1}),
        },
    )
    glue.create_crawler(Name="changing", Role=arn, DatabaseName="changing", Targets=at("s3://changing/d"))
    crawl(glue, "changing")
    glue.update_table(
        DatabaseName="changing",
        TableInput={
            **{
                name: one
                for name, one in tables(glue, "changing")["t"].items()
                if name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType")
            },
            "Parameters": tables(glue, "changing")["t"]["Parameters"] | {"owner": "me"},
        },
    )
    s3.put_object(Bucket="changing", Key="d/t/day=3/a.json", Body=lines({"a": 1.5, "b": 1, "c": "x"}))
    s3.delete_object(Bucket="changing", Key="d/t/day=1/a.json")
    s3.delete_object(Bucket="changing", Key="d/gone/a.json")
    crawl(glue, "changing")
    found = tables(glue, "changing")
    assert columns(found["t"]) == {"a": "double", "b": "int", "c": "string"}
    assert "owner" not in found["t"]["Parameters"]
    parts = partitions(glue, "changing", "t")
    assert {values: "DEPRECATED_BY_CRAWLER" in one["Parameters"] for values, one in parts.items()} == {
        ("1",): True,
        ("2",): False,
        ("3",): False,
    }
    assert found["gone"]["Parameters"]["DEPRECATED_BY_CRAWLER"].isdecimal()
    s3.put_object(Bucket="changing", Key="d/gone/a.json", Body=lines({"x": 1}))
    glue.update_crawler(
        Name="changing",
        SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"},
    )
    crawl(glue, "changing")
    assert "DEPRECATED_BY_CRAWLER" not in tables(glue, "changing")["gone"]["Parameters"]
    assert sorted(partitions(glue, "changing", "t")) == [("2",), ("3",)]
    version = tables(glue, "changing")["t"]["VersionId"]
    crawl(glue, "changing")
    assert tables(glue, "changing")["t"]["VersionId"] == version
    (metrics,) = glue.get_crawler_metrics(CrawlerNameList=["changing"])["CrawlerMetricsList"]
    assert (metrics["TablesCreated"], metrics["TablesDeleted"]) == (2, 1)


def at(*paths, **more):
    return {"S3Targets": [{"Path": path, **more} for path in paths]}


def test_new_folders_only(lakemill, glue, arn):
    policy = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    s3 = fill(lakemill, "growing", {f"t/{name}/a.json": lines({"a": 1}) for name in ("red", "blue")})
    settings = {"Role": arn, "DatabaseName": "growing", "Targets": at("s3://growing/t/")}
    new = {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        glue.create_crawler(Name="growing", RecrawlPolicy=new, **settings)
    assert code(refused) == "InvalidInputException"
    glue.create_crawler(Name="growing", RecrawlPolicy=new, SchemaChangePolicy=policy, **settings)
    crawl(glue, "growing")
    before = partitions(glue, "growing", "t")
    assert sorted(before) == [("blue",), ("red",)]
    s3.put_object(Bucket="growing", Key="t/red/b.json", Body=lines({"a": 1, "b": "new"}))
    s3.put_object(Bucket="growing", Key="t/green/a.json", Body=lines({"a": 2}))
    s3.delete_object(Bucket="growing", Key="t/blue/a.json")
    assert crawl(glue, "growing")["Status"] == "SUCCEEDED"
    after = partitions(glue, "growing", "t")
    assert sorted(after) == [("blue",), ("green",), ("red",)]
    assert after["red",] == before["red",]
    assert list(tables(glue, "growing")) == ["t"]


def test_grouping_and_levels(lakemill, glue, arn):
    objects = {
        "a/x/1.json": lines({"p": 1, "q": 1}),
        "a/y/1.json": lines({"r": "s", "t": "u"}),
        "b/z/1.json": lines({"p": 2, "q": 1}),
    }
    fill(lakemill, "levels", objects)

    def crawled(name, path, **configuration):
        text = json.dumps({"Version": 1.0, **configuration})
        glue.create_crawler(
            Name=name, Role=arn, DatabaseName=name, Targets=at(path), TablePrefix="P-", Configuration=text
        )
        last = crawl(glue, name)
        return last, {one["Name"]: keys(one) for one in tables(glue, name).values()}

    assert crawled("apart", "s3://levels")[1] == {"p_x": [], "p_y": [], "p_z": []}
    combined = {"TableGroupingPolicy": "CombineCompatibleSchemas"}
    assert crawled("together", "s3://levels/", Grouping=combined)[1] == {"p_levels": ["partition_0", "partition_1"]}
    assert crawled("second", "s3://levels", Grouping={"TableLevelConfiguration": 3})[1] == {
        "p_x": [],
        "p_y": [],
        "p_z": [],
    }
    last, found = crawled("few", "s3://levels", CrawlerOutput={"Tables": {"TableThreshold": 2}})
    assert last["Status"] == "FAILED" and "greater than the table threshold" in last["ErrorMessage"]
    assert found == {}


def test_merge_new_columns_and_inherit(lakemill, glue, arn):
    s3 = fill(lakemill, "inherit", {"t/d=1/a.json": lines({"a": 1, "b": 2})})
    text = json.dumps(
        {
            "Version": 1.0,
            "CrawlerOutput": {
                "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
                "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
            },
        }
    )
    glue.create_crawler(
        Name="inherit", Role=arn, DatabaseName="inherit", Targets=at("s3://inherit/t"), Configuration=text
    )
    crawl(glue, "inherit")
    s3.put_object(Bucket="inherit", Key="t/d=2/a.json", Body=lines({"a": 1.5, "c": "x", "b": 1}))
    crawl(glue, "inherit")
    table = tables(glue, "inherit")["t"]
    assert columns(table) == {"a": "int", "b": "int", "c": "string"}
    for one in partitions(glue, "inherit", "t").values():
        assert one["StorageDescriptor"]["Columns"] == table["StorageDescriptor"]["Columns"]


def test_custom_classifiers_come_first(lakemill, glue, arn):
    fill(lakemill, "custom", {"a/1.txt": b"7 ok\n8 bad\n", "b/1.json": b'{"rows": [{"x": 1}, {"x": 2.5}]}'})
    glue.create_classifier(
        GrokClassifier={"Name": "states", "Classification": "states", "GrokPattern": "%{INT:n:int} %{WORD:state}"}
    )
    glue.create_classifier(JsonClassifier={"Name": "rows", "JsonPath": "$.rows[*]"})
    glue.create_crawler(
        Name="custom",
        Role="crawler",
        DatabaseName="custom",
        Targets=at("s3://custom/a", "s3://custom/b"),
        Classifiers=["states", "rows"],
    )
    assert crawl(glue, "custom")["Status"] == "SUCCEEDED"
    found = tables(glue, "custom")
    assert columns(found["a"]) == {"n": "int", "state": "string"}
    assert columns(found["b"]) == {"x": "double"}
    assert found["a"]["Parameters"]["classification"] == "states"


class TestClassifiers:
    def test_they_are_kept_and_changed(self, glue):
        csv = {"Name": "pipes", "Delimiter": "|", "ContainsHeader": "PRESENT", "QuoteSymbol": "'"}
        glue.create_classifier(CsvClassifier=csv)
        glue.update_classifier(CsvClassifier={"Name": "pipes", "Delimiter": ";"})
        found = glue.get_classifier(Name="pipes")["Classifier"]["CsvClassifier"]
        assert (found["Delimiter"], found["QuoteSymbol"], found["Version"]) == (";", "'", 2)
        assert "pipes" in [next(iter(one.values()))["Name"] for one in glue.get_classifiers()["Classifiers"]]
        glue.delete_classifier(Name="pipes")
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            glue.get_classifier(Name="pipes")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"GrokClassifier": {"Name": "w", "Classification": "w", "GrokPattern": "%{NOSUCHPATTERN:a}"}},
            {"GrokClassifier": {"Name": "w", "Classification": "w", "GrokPattern": "%{INT:a:money}"}},
            {"GrokClassifier": {"Name": "w", "Classification": "w", "GrokPattern": "(%{INT:a}"}},
            {"JsonClassifier": {"Name": "w", "JsonPath": "rows"}},
            {"XMLClassifier": {"Name": "w", "Classification": "w", "RowTag": "<a>"}},
            {"CsvClassifier": {"Name": "w", "Delimiter": "'", "QuoteSymbol": "'"}},
            {"CsvClassifier": {"Name": "w", "Header": ["a", "A"]}},
            {},
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused(self, glue, wrong):
        with pytest.raises(glue.exceptions.InvalidInputException):
            glue.create_classifier(**wrong)


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"Targets": {"MongoDBTargets": [{"ConnectionName": "c", "Path": "p"}]}}, "MongoDBTargets"),
            ({"Targets": {"S3Targets": []}}, "At least one"),
            ({"Targets": {"S3Targets": [{"Path": "file:///x"}]}}, "Path"),
            ({"Targets": {"S3Targets": [{"Path": "s3://bucket", "SampleSize": 0}]}}, "SampleSize"),
            ({"Targets": {"S3Targets": [{"Path": "s3://bucket", "Exclusions": ["{a"]}]}}, "pattern"),
            ({"Role": "nobody-has-it"}, "unable to assume"),
            ({"Schedule": "cron(0 0 * * * *)"}, "must be ?"),
            ({"Classifiers": ["nobody-has-it"]}, "does not exist"),
            ({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}}, "CRAWL_EVENT_MODE"),
            ({"Configuration": "{"}, "JSON"),
            ({"Configuration": '{"Version":1.0,"Grouping":{"TableGroupingPolicy":"x"}}'}, "TableGroupingPolicy"),
            ({"Configuration": '{"Version":1.0,"CreatePartitionIndex":true}'}, "CreatePartitionIndex"),
            ({"LineageConfiguration": {"CrawlerLineageSettings": "ENABLE"}}, "lineage"),
            ({"CrawlerSecurityConfiguration": "x"}, "CrawlerSecurityConfiguration"),
        ],
        ids=str,
    )
    def test_what_is_not_honoured_is_named(self, glue, arn, wrong, says):
        settings = {"Role": arn, "DatabaseName": "d", "Targets": at("s3://bucket/x")}
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            glue.create_crawler(Name="wrong", **settings | wrong)
        assert says in str(refused.value)
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            glue.get_crawler(Name="wrong")

    def test_a_role_without_rights_fails_the_crawl(self, lakemill, glue):
        fill(lakemill, "closed", {"a/x.json": lines({"a": 1})})
        weak = role(lakemill, "weak", "s3:ListBucket", "glue:*")
        glue.create_crawler(Name="weak", Role=weak, DatabaseName="weak", Targets=at("s3://closed/a"))
        last = crawl(glue, "weak")
        assert last["Status"] == "FAILED"
        assert "Access denied to s3://closed/a/x.json" in last["ErrorMessage"]
        assert tables(glue, "weak") == {}

    def test_a_bucket_that_is_not_there_fails_the_crawl(self, glue, arn):
        glue.create_crawler(Name="lost", Role=arn, DatabaseName="lost", Targets=at("s3://no-such-bucket-at-all/"))
        last = crawl(glue, "lost")
        assert (last["Status"], "does not exist" in last["ErrorMessage"]) == ("FAILED", True)

    def test_states(self, lakemill, glue, arn):
        s3 = lakemill.client("s3")
        s3.create_bucket(Bucket="slow")
        body = b"".join(b'{"n": %d, "text": "%s"}\n' % (number, b"x" * 20) for number in range(6000))
        for number in range(48):  # So much to look at that the requests below find the crawl at work.
            s3.put_object(Bucket="slow", Key=f"lake/{number // 8}/{number}.json", Body=body)
        settings = {"Role": arn, "DatabaseName": "states", "Targets": at("s3://slow/lake")}
        glue.create_crawler(Name="states", **settings)
        with pytest.raises(glue.exceptions.AlreadyExistsException):
            glue.create_crawler(Name="states", **settings)
        with pytest.raises(glue.exceptions.CrawlerNotRunningException):
            glue.stop_crawler(Name="states")
        glue.start_crawler(Name="states")
        with pytest.raises(glue.exceptions.CrawlerRunningException):
            glue.start_crawler(Name="states")
        with pytest.raises(glue.exceptions.CrawlerRunningException):
            glue.delete_crawler(Name="states")
        glue.stop_crawler(Name="states")
        assert wait(glue, "states")["Status"] == "CANCELLED"
        assert glue.list_crawls(CrawlerName="states")["Crawls"][0]["State"] == "STOPPED"
        glue.delete_crawler(Name="states")
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            glue.start_crawler(Name="states")


def test_schedules(glue, arn):
    settings = {"Role": arn, "DatabaseName": "scheduled", "Targets": at("s3://messy/lake")}
    glue.create_crawler(Name="scheduled", Schedule="cron(0 3 ? * MON-FRI *)", **settings)
    found = glue.get_crawler(Name="scheduled")["Crawler"]["Schedule"]
    assert found == {"ScheduleExpression": "cron(0 3 ? * MON-FRI *)", "State": "SCHEDULED"}
    with pytest.raises(glue.exceptions.SchedulerRunningException):
        glue.start_crawler_schedule(CrawlerName="scheduled")
    glue.stop_crawler_schedule(CrawlerName="scheduled")
    assert glue.get_crawler(Name="scheduled")["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    with pytest.raises(glue.exceptions.SchedulerNotRunningException):
        glue.stop_crawler_schedule(CrawlerName="scheduled")
    glue.update_crawler_schedule(CrawlerName="scheduled", Schedule="cron(30 4 1 * ? *)")
    assert glue.get_crawler(Name="scheduled")["Crawler"]["Schedule"]["State"] == "SCHEDULED"
    glue.update_crawler_schedule(CrawlerName="scheduled", Schedule="")
    with pytest.raises(glue.exceptions.NoScheduleException):
        glue.start_crawler_schedule(CrawlerName="scheduled")


def test_listing_and_tags(lakemill, glue, arn):
    for number in range(3):
        glue.create_crawler(
            Name=f"listed-{number}",
            Role=arn,
            DatabaseName="d",
            Targets=at("s3://messy"),
            Tags={"group": "even" if number % 2 == 0 else "odd"},
        )
    assert glue.list_crawlers(Tags={"group": "even"})["CrawlerNames"] == ["listed-0", "listed-2"]
    page = glue.list_crawlers(MaxResults=1)
    assert len(page["CrawlerNames"]) == 1
    paged = [one["Name"] for page in glue.get_paginator("get_crawlers").paginate() for one in page["Crawlers"]]
    assert {"listed-0", "listed-1", "listed-2"} <= set(paged)
    batch = glue.batch_get_crawlers(CrawlerNames=["listed-1", "nobody"])
    assert [one["Name"] for one in batch["Crawlers"]] == ["listed-1"]
    assert batch["CrawlersNotFound"] == ["nobody"]
    resource = "arn:aws:glue:us-east-1:000000000000:crawler/listed-1"
    glue.tag_resource(ResourceArn=resource, TagsToAdd={"owner": "me"})
    glue.untag_resource(ResourceArn=resource, TagsToRemove=["group"])
    assert glue.get_tags(ResourceArn=resource)["Tags"] == {"owner": "me"}


@pytest.mark.long
def test_the_command_makes_tables_of_a_folder(lakemill):
    fill(lakemill, "by-command", {"sales/d=1/a.json": lines({"a": 1}), "sales/x.tmp": b"half"})

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "lakemill", "crawl", *arguments, "--data", str(lakemill.data)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = command("s3://by-command/sales/", "--exclude", "**.tmp")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Crawled s3://by-command/sales/ into database by_command"
    again = command("s3://by-command/sales/", "--exclude", "**.tmp", "--json")
    (found,) = json.loads(again.stdout)["tables"]
    assert (found["table"], found["columns"], found["partition keys"]) == ("sales", 1, "d")
    wrong = command("/tmp/x")
    assert (wrong.returncode, "no s3:// URI" in wrong.stderr) == (1, True)
    lost = command("s3://not-there-at-all/x")
    assert (lost.returncode, "does not exist" in lost.stderr) == (1, True)


def test_a_crawl_that_was_killed_has_failed_with_a_reason_and_left_nothing(fresh):
    running = fresh()
    arn = role(running, "crawler", "s3:*", "glue:*", "logs:*")
    fill(running, "killed", {f"t/d={number}/a.json": lines({"a": number}) for number in range(120)})
    glue = running.client("glue")
    glue.create_crawler(Name="killed", Role=arn, DatabaseName="killed", Targets=at("s3://killed/t"))
    glue.start_crawler(Name="killed")
    end = time.monotonic() + WAIT_S
    while not glue.get_databases()["DatabaseList"]:
        assert time.monotonic() < end
    running.kill()
    running.start()
    glue = running.client("glue")
    crawler = glue.get_crawler(Name="killed")["Crawler"]
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "FAILED")
    assert "interrupted" in crawler["LastCrawl"]["ErrorMessage"]
    assert "Recovered: crawler killed was interrupted; it can be started again" in running.lines
    assert tables(glue, "killed") == {}
    assert crawl(glue, "killed")["Status"] == "SUCCEEDED"
    assert len(partitions(glue, "killed", "t")) == 120
    assert [one["State"] for one in glue.list_crawls(CrawlerName="killed")["Crawls"]] == ["COMPLETED", "FAILED"]


def seen(glue):
    """The columns of each table, and how many partitions it has."""
    pages = glue.get_paginator("get_partitions")
    return {
        name: (
            tuple(columns(one)),
            sum(len(page["Partitions"]) for page in pages.paginate(DatabaseName="often", TableName=name)),
        )
        for name, one in tables(glue, "often").items()
    }


@pytest.mark.slow
def test_a_crawl_is_seen_whole_or_not_at_all_whenever_it_is_killed(fresh):
    """A crawl adds 1,500 partitions to a table, changes 500 and makes another table, and is killed at some time."""
    running, chance = fresh(), random.Random(5)
    arn = role(running, "crawler", "s3:*", "glue:*", "logs:*")
    fill(running, "often", {f"t/d={number}/a.json": lines({"a": number}) for number in range(500)})
    glue = running.client("glue")
    glue.create_crawler(Name="often", Role=arn, DatabaseName="often", Targets=at("s3://often/"))
    assert crawl(glue, "often")["Status"] == "SUCCEEDED"
    fill(running, "often", {f"t/d={number}/b.json": lines({"a": number, "b": 1}) for number in range(2000)})
    fill(running, "often", {f"u/d={number}/a.csv": b"x,y\n1,2\n3,4\n" for number in range(1000)})
    before, ends = seen(glue), set()
    assert before == {"t": (("a",), 500)}
    after = {"t": (("a", "b"), 2000), "u": (("x", "y"), 1000)}
    least_s, most_s = 0.0, 20.0
    for _ in range(12):
        glue.start_crawler(Name="often")
        waited_s = chance.uniform(least_s, most_s)
        until = time.monotonic() + waited_s
        while time.monotonic() < until and glue.get_crawler(Name="often")["Crawler"]["State"] != "READY":
            time.sleep(0.01)
        running.kill()
        running.start()
        glue = running.client("glue")
        now = seen(glue)
        assert now in (before, after)
        ends.add("after" if now == after else "before")
        if now == after:
            most_s = waited_s
            glue.delete_table(DatabaseName="often", Name="u")
            gone = [{"Values": [str(number)]} for number in range(500, 2000)]
            for start in range(0, len(gone), 25):
                some = gone[start : start + 25]
                glue.batch_delete_partition(DatabaseName="often", TableName="t", PartitionsToDelete=some)
            before = seen(glue)
        else:
            least_s = max(least_s, waited_s * 0.8)
    assert ends == {"before", "after"}


def test_the_catalog_s_policy_counts_for_the_role(lakemill, arn):
    fill(lakemill, "elsewhere", {"t/a.json": lines({"a": 1})})
    glue = lakemill.client("glue", region="eu-west-1")
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "glue:CreateTable", "Resource": "*"}
    glue.put_resource_policy(PolicyInJson=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    glue.create_crawler(Name="elsewhere", Role=arn, DatabaseName="elsewhere", Targets=at("s3://elsewhere/t"))
    last = crawl(glue, "elsewhere")
    assert last["Status"] == "FAILED" and last["ErrorMessage"].startswith("Access denied to")
    glue.delete_resource_policy()
    assert crawl(glue, "elsewhere")["Status"] == "SUCCEEDED"
    assert list(tables(glue, "elsewhere")) == ["t"]
    assert "elsewhere" not in lakemill.client("glue").list_crawlers()["CrawlerNames"]


def test_who_makes_a_crawler_must_be_allowed_to_hand_over_its_role(lakemill, arn):
    iam = lakemill.client("iam")
    iam.create_user(UserName="maker")
    key = iam.create_access_key(UserName="maker")["AccessKey"]
    glue = lakemill.client("glue", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    def may(*statements):
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName="maker", PolicyName="p", PolicyDocument=document)

    def create():
        glue.create_crawler(Name="made", Role="crawler", DatabaseName="d", Targets=at("s3://messy/lake"))

    crawlers = "arn:aws:glue:us-east-1:000000000000:crawler/made"
    own = {"Effect": "Allow", "Action": "glue:*Crawler", "Resource": crawlers}
    may(own)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        create()
    assert code(refused) == "AccessDeniedException" and "iam:PassRole" in str(refused.value)
    may(own, {"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn})
    create()
    assert glue.get_crawler(Name="made")["Crawler"]["Role"] == "crawler"
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        glue.get_crawler(Name="messy")
    assert code(refused) == "AccessDeniedException"


def test_tags_of_a_crawler_that_is_not_there(glue):
    resource = "arn:aws:glue:us-east-1:000000000000:crawler/nobody"
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_tags(ResourceArn=resource)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.tag_resource(ResourceArn=resource, TagsToAdd={"a": "b"})
