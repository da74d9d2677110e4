"""Who is who among a thousand persons: an ML transform of Glue, taught with answers to its own questions.

It asks about a hundred records; the answers, here taken from the records' ids, make it ready. Then it is measured, and
tuned towards precision.
"""

import csv
import io
import json
import lzma
import pathlib
import time
import uuid

import boto3

NAME = f"who-{uuid.uuid4().hex[:8]}"
DATA = pathlib.Path(__file__).parent / "data" / "febrl" / "dataset1.csv.xz"
glue, s3 = boto3.client("glue"), boto3.client("s3")


def role():
    """A role that may read the catalog, and read and write the bucket."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    places = [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": places}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=NAME, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")
    document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName=NAME, PolicyName="rights", PolicyDocument=document)
    return arn


def make_table():
    """The persons as a table of the lake."""
    text = lzma.decompress(DATA.read_bytes()).decode()
    rows = [[value.strip() for value in row] for row in csv.reader(io.StringIO(text))]
    body = io.StringIO()
    csv.writer(body).writerows(rows[1:])
    s3.create_bucket(Bucket=NAME)
    s3.put_object(Bucket=NAME, Key="persons/1.csv", Body=body.getvalue().encode())
    glue.create_database(DatabaseInput={"Name": NAME})
    glue.create_table(
        DatabaseName=NAME,
        TableInput={
            "Name": "persons",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": "string"} for name in rows[0]],
                "Location": f"s3://{NAME}/persons/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
            },
        },
    )


def finish(transform, started):
    """Wait for a task run."""
    while True:
        run = glue.get_ml_task_run(TransformId=transform, TaskRunId=started["TaskRunId"])
        if run["Status"] not in ("STARTING", "RUNNING"):
            assert run["Status"] == "SUCCEEDED", run.get("ErrorString")
            return
        time.sleep(0.5)


def label(transform):
    """Let the transform ask, answer, and let it learn."""
    asked = glue.start_ml_labeling_set_generation_task_run(TransformId=transform, OutputS3Path=f"s3://{NAME}/ask/")
    finish(transform, asked)
    key = s3.list_objects_v2(Bucket=NAME, Prefix="ask/")["Contents"][0]["Key"]
    rows = list(csv.DictReader(io.StringIO(s3.get_object(Bucket=NAME, Key=key)["Body"].read().decode())))
    for row in rows:
        row["label"] = row["rec_id"].split("-")[1]  # A person would look at the records.
    answers = io.StringIO()
    writer = csv.DictWriter(answers, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    s3.put_object(Bucket=NAME, Key="answers.csv", Body=answers.getvalue().encode())
    taken = glue.start_import_labels_task_run(TransformId=transform, InputS3Path=f"s3://{NAME}/answers.csv")
    finish(transform, taken)
    found = glue.get_ml_transform(TransformId=transform)
    print(f"{found['LabelCount']} rows are labelled; the transform is {found['Status']}")


def measure(transform):
    """Print how good it is on what it was told."""
    finish(transform, glue.start_ml_evaluation_task_run(TransformId=transform))
    metrics = glue.get_ml_transform(TransformId=transform)["EvaluationMetrics"]["FindMatchesMetrics"]
    best = metrics["ColumnImportances"][0]
    print(f"precision {metrics['Precision']:.3f}, recall {metrics['Recall']:.3f}, F1 {metrics['F1']:.3f};"
          f" {best['ColumnName']} tells most")  # fmt: skip


def main():
    make_table()
    parameters = {"PrimaryKeyColumnName": "rec_id", "PrecisionRecallTradeoff": 0.5, "AccuracyCostTradeoff": 0.5}
    transform = glue.create_ml_transform(
        Name=NAME,
        Role=role(),
        InputRecordTables=[{"DatabaseName": NAME, "TableName": "persons"}],
        Parameters={"TransformType": "FIND_MATCHES", "FindMatchesParameters": parameters},
        GlueVersion="2.0",
    )["TransformId"]
    label(transform)
    measure(transform)
    tuned = {"TransformType": "FIND_MATCHES", "FindMatchesParameters": {"PrecisionRecallTradeoff": 0.9}}
    glue.update_ml_transform(TransformId=transform, Parameters=tuned)
    measure(transform)


if __name__ == "__main__":
    main()
