"""From files in the lake to a model: crawled into a table, asked with Athena, joined in Redshift, learned from.

    lakemill run -- python examples/taxi_lake.py        (needs boto3; taxi_streams.py before it)

What Firehose landed as Parquet files becomes a table of the catalog. Redshift reads it where it lies (Spectrum), joins
it with a table of holidays of its own, and unloads a line for each half-hour: passengers, hour, weekday, whether it is
a holiday, passengers a day and a week before. XGBoost learns to tell the passengers; the last four weeks are held out.
"""

import json
import time

import boto3
from steps import Step

HOLIDAYS = {
    "2014-07-04": "Independence Day",
    "2014-09-01": "Labor Day",
    "2014-10-13": "Columbus Day",
    "2014-11-11": "Veterans Day",
    "2014-11-27": "Thanksgiving",
    "2014-11-28": "the day after Thanksgiving",
    "2014-12-24": "Christmas Eve",
    "2014-12-25": "Christmas",
    "2014-12-31": "New Year's Eve",
    "2015-01-01": "New Year",
    "2015-01-19": "Martin Luther King Day",
}
HELD_OUT = "2015-01-04"
DATABASE = "taxi_lake"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
FEATURES = """
CREATE VIEW features AS
SELECT r."time", r.passengers,
       EXTRACT(hour FROM r."time") + EXTRACT(minute FROM r."time") / 60.0 AS hour,
       EXTRACT(dow FROM r."time") AS weekday,
       CASE WHEN h.day IS NULL THEN 0 ELSE 1 END AS holiday,
       LAG(r.passengers, 48) OVER (ORDER BY r."time") AS day_before,
       LAG(r.passengers, 336) OVER (ORDER BY r."time") AS week_before
FROM lake.rides r LEFT JOIN holidays h ON h.day = TRUNC(r."time")
WITH NO SCHEMA BINDING
"""

iam, sts, s3, glue, athena = (boto3.client(name) for name in ("iam", "sts", "s3", "glue", "athena"))
serverless, data, sagemaker = (boto3.client(name) for name in ("redshift-serverless", "redshift-data", "sagemaker"))
bucket = f"taxi-lake-{sts.get_caller_identity()['Account']}"


def service_role() -> str:
    """ARN of a role that Glue, Redshift and SageMaker may take."""
    services = ["glue.amazonaws.com", "redshift.amazonaws.com", "sagemaker.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}
    role = iam.create_role(
        RoleName="taxi-lake", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName="taxi-lake", PolicyName="lake", PolicyDocument=policy)
    return role["Arn"]


def crawl(role: str, step: Step) -> dict:
    """The table that a crawler makes of the files."""
    target = {"S3Targets": [{"Path": f"s3://{bucket}/rides/"}]}
    glue.create_crawler(Name="taxi", Role=role, DatabaseName=DATABASE, Targets=target)
    glue.start_crawler(Name="taxi")
    while (state := glue.get_crawler(Name="taxi")["Crawler"])["State"] != "READY":
        step.say(state["State"].lower())
        time.sleep(0.2)
    if state["LastCrawl"]["Status"] != "SUCCEEDED":
        raise SystemExit(state["LastCrawl"]["ErrorMessage"])
    return glue.get_table(DatabaseName=DATABASE, Name="rides")["Table"]


def ask(text: str) -> tuple[list[list[str]], dict]:
    """The rows of a statement of Athena, and its statistics."""
    id = athena.start_query_execution(
        QueryString=text,
        QueryExecutionContext={"Database": DATABASE},
        ResultConfiguration={"OutputLocation": f"s3://{bucket}/athena/"},
    )["QueryExecutionId"]
    while (found := athena.get_query_execution(QueryExecutionId=id)["QueryExecution"])["Status"]["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(0.1)
    if found["Status"]["State"] != "SUCCEEDED":
        raise SystemExit(found["Status"]["StateChangeReason"])
    rows = athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in rows], found["Statistics"]


def open_warehouse(role: str, step: Step) -> None:
    serverless.create_namespace(namespaceName="taxi", dbName="dev", iamRoles=[role], defaultIamRoleArn=role)
    serverless.create_workgroup(workgroupName="taxi", namespaceName="taxi", baseCapacity=8)
    while (state := serverless.get_workgroup(workgroupName="taxi")["workgroup"]["status"]) != "AVAILABLE":
        step.say(f"workgroup {state.lower()}")
        time.sleep(0.2)


def carry_out(*statements: str) -> list[int]:
    """Run statements of Redshift, one after another; how many rows each gave or wrote."""
    counts = []
    for text in statements:
        id = data.execute_statement(WorkgroupName="taxi", Database="dev", Sql=text)["Id"]
        while (found := data.describe_statement(Id=id))["Status"] not in ("FINISHED", "FAILED", "ABORTED"):
            time.sleep(0.1)
        if found["Status"] != "FINISHED":
            raise SystemExit(f"{found.get('Error')}\n{text}")
        counts.append(found["ResultRows"])
    return counts


def unload(condition: str, folder: str) -> str:
    """The lines for XGBoost: what is to be told comes first."""
    columns = "passengers, hour, weekday, holiday, day_before, week_before"
    query = f"SELECT {columns} FROM features WHERE week_before IS NOT NULL AND {condition}"
    return (
        f"UNLOAD ('{query.replace(chr(39), chr(39) * 2)}') TO 's3://{bucket}/features/{folder}/' "
        "IAM_ROLE default FORMAT CSV ALLOWOVERWRITE PARALLEL OFF"
    )


def train(role: str, step: Step) -> dict:
    """The training job, when it has ended."""
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/features/train/"}},
    }
    sagemaker.create_training_job(
        TrainingJobName="taxi-passengers",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=role,
        HyperParameters={"objective": "reg:squarederror", "num_round": "200", "max_depth": "6", "eta": "0.05"},
        InputDataConfig=[channel],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/models"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    while True:
        job = sagemaker.describe_training_job(TrainingJobName="taxi-passengers")
        if job["TrainingJobStatus"] == "Completed":
            return job
        if job["TrainingJobStatus"] == "Failed":
            raise SystemExit(job["FailureReason"])
        step.say(job["SecondaryStatus"])
        time.sleep(0.3)


def foretold(job: dict, role: str, step: Step) -> list[list[float]]:
    """Of each half-hour that was held out: the passengers, those a week before, those that the model tells."""
    container = {"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="taxi-passengers", ExecutionRoleArn=role, PrimaryContainer=container)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/features/test/"}
    sagemaker.create_transform_job(
        TransformJobName="taxi-passengers",
        ModelName="taxi-passengers",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{bucket}/told", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,5,6]"},
    )
    while (found := sagemaker.describe_transform_job(TransformJobName="taxi-passengers"))[
        "TransformJobStatus"
    ] == "InProgress":
        step.say("batch transform")
        time.sleep(0.3)
    if found["TransformJobStatus"] != "Completed":
        raise SystemExit(found["FailureReason"])
    [file] = s3.list_objects_v2(Bucket=bucket, Prefix="told/")["Contents"]
    lines = s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read().decode().split()
    return [[float(cell) for cell in line.split(",")] for line in lines]


def main() -> None:
    with Step("crawl the lake") as step:
        role = service_role()
        table = crawl(role, step)
        parts = glue.get_partitions(DatabaseName=DATABASE, TableName="rides")["Partitions"]
        columns = ", ".join(f"{one['Name']} {one['Type']}" for one in table["StorageDescriptor"]["Columns"])
        keys = ", ".join(one["Name"] for one in table["PartitionKeys"])
        step.what = f"table rides ({columns}), {len(parts)} partitions by {keys}"
    with Step("ask Athena") as step:
        step.say("which hours are the busiest?")
        rows, statistics = ask(
            """
            SELECT date_format("time", '%W'), hour("time"), avg(passengers) FROM rides WHERE month >= '2014-09'
            GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 3
            """
        )
        busiest = ", ".join(f"{day} {hour}h" for day, hour, _ in rows)
        step.what = f"busiest: {busiest}; {statistics['DataScannedInBytes']:,} bytes scanned"
    with Step("join in Redshift") as step:
        open_warehouse(role, step)
        days = ", ".join(f"('{day}', '{name.replace(chr(39), chr(39) * 2)}')" for day, name in HOLIDAYS.items())
        step.say("holidays in the warehouse, rides in the lake")
        carry_out(
            "CREATE TABLE holidays (day DATE NOT NULL SORTKEY, name VARCHAR(40)) DISTSTYLE ALL",
            f"INSERT INTO holidays VALUES {days}",
            f"CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE '{DATABASE}' IAM_ROLE default",
            FEATURES,
        )
        learned, held_out = carry_out(
            unload(f"\"time\" < '{HELD_OUT}'", "train"), unload(f"\"time\" >= '{HELD_OUT}'", "test")
        )
        step.what = f"{learned:,} half-hours to learn from, {held_out:,} held out, unloaded as CSV"
    with Step("train on it") as step:
        rows = foretold(train(role, step), role, step)
        error = sum(abs(real - told) for real, _, told in rows) / len(rows)
        naive = sum(abs(real - before) for real, before, _ in rows) / len(rows)
        step.what = f"XGBoost on what Redshift unloaded; {len(rows):,} half-hours told by batch transform"
        step.quality = f"MAE {error:,.0f} passengers"
        step.reference = f"as a week before {naive:,.0f}"


if __name__ == "__main__":
    main()
