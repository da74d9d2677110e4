"""Who earns more than 50,000: RDDs and MLlib in a Spark job of Glue, on the census of 1994 (data/adult).

The job counts occupations with an RDD, fits a pipeline with logistic regression, keeps the model on S3, and loads it
again to score people it has not seen; the scores go to S3 as ORC. It needs Spark on Java: `make spark`.
"""

import json
import lzma
import time
import uuid
from pathlib import Path

import boto3

NAME = f"glue-census-{uuid.uuid4().hex[:8]}"
DATA = Path(__file__).parent / "data" / "adult"

SCRIPT = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
lake = f"s3://{args['bucket']}"
sc = SparkContext.getOrCreate()
context = GlueContext(sc)
spark = context.spark_session
job = Job(context)
job.init(args["JOB_NAME"], args)

unknown = sc.accumulator(0)


def occupation(line):
    fields = [field.strip() for field in line.split(",")]
    if fields[6] == "?":
        unknown.add(1)
        return []
    return [(fields[6], 1)]


lines = sc.textFile(f"{lake}/census/train/").filter(bool)
counts = lines.flatMap(occupation).reduceByKey(lambda a, b: a + b).takeOrdered(3, key=lambda pair: -pair[1])
print("occupations:", ", ".join(f"{name} {count}" for name, count in counts), f"(unknown: {unknown.value})")

NUMBERS = ["age", "education_num", "capital_gain", "capital_loss", "hours"]
NAMES = ["workclass", "marital", "occupation", "relationship", "race", "sex", "country"]
SCHEMA = (
    "age double, workclass string, weight double, education string, education_num double, marital string, "
    "occupation string, relationship string, race string, sex string, capital_gain double, capital_loss double, "
    "hours double, country string, income string"
)


def people(part):
    read = spark.read.schema(SCHEMA).option("ignoreLeadingWhiteSpace", True).csv(f"{lake}/census/{part}/")
    return read.where("income is not null").selectExpr("*", "double(income like '>50K%') as label")


indexer = StringIndexer(inputCols=NAMES, outputCols=[f"{name}_at" for name in NAMES], handleInvalid="keep")
encoder = OneHotEncoder(inputCols=[f"{name}_at" for name in NAMES], outputCols=[f"{name}_is" for name in NAMES])
features = VectorAssembler(inputCols=NUMBERS + [f"{name}_is" for name in NAMES], outputCol="features")
pipeline = Pipeline(stages=[indexer, encoder, features, LogisticRegression(maxIter=30)])
pipeline.fit(people("train").cache()).write().overwrite().save(f"{lake}/model/")

scored = PipelineModel.load(f"{lake}/model/").transform(people("test"))
print(f"area under ROC: {BinaryClassificationEvaluator().evaluate(scored):.3f}")
scored.select("age", "occupation", "label", "prediction").write.mode("overwrite").orc(f"{lake}/scored/")
print(spark.read.orc(f"{lake}/scored/").count(), "people scored")
job.commit()
"""


def role():
    """A role for the job: the bucket."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]}
    made = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(RoleName=NAME, PolicyName="rights", PolicyDocument=policy(rights))
    return made["Role"]["Arn"]


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def main():
    glue, s3 = boto3.client("glue"), boto3.client("s3")
    s3.create_bucket(Bucket=NAME)
    for part in ("train", "test"):
        body = lzma.decompress((DATA / f"adult-{part}.csv.xz").read_bytes())
        s3.put_object(Bucket=NAME, Key=f"census/{part}/adult.csv", Body=body)
    s3.put_object(Bucket=NAME, Key="scripts/job.py", Body=SCRIPT)
    glue.create_job(
        Name=NAME,
        Role=role(),
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{NAME}/scripts/job.py", "PythonVersion": "3"},
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=20,
        DefaultArguments={"--bucket": NAME},
    )
    id = glue.start_job_run(JobName=NAME)["JobRunId"]
    while (run := glue.get_job_run(JobName=NAME, RunId=id)["JobRun"])["JobRunState"] in ("STARTING", "RUNNING"):
        time.sleep(1)
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    log = boto3.client("logs").get_log_events(
        logGroupName=f"{run['LogGroupName']}/output", logStreamName=id, startFromHead=True
    )
    for event in log["events"]:
        print(event["message"])
    found = s3.list_objects_v2(Bucket=NAME, Prefix="scored/")["Contents"]
    print(len([one for one in found if one["Key"].endswith(".orc")]), "objects of ORC, and nothing half-written")


if __name__ == "__main__":
    main()
