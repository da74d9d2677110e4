"""The example programs, unmodified, by `lakemill run` in the environments of their SDKs.

Only their pauses between two looks at a job are shorter than they ask for (impatient/sitecustomize.py).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lakemill.app import spark_on_java
from lakemill.settings import load

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
IMPATIENT = Path(__file__).parent / "impatient"
PYTHONS = {
    "boto3": Path(sys.executable),
    "sdk2": ROOT / ".venvs" / "sdk2" / "bin" / "python",
    "sdk3": ROOT / ".venvs" / "sdk3" / "bin" / "python",
}
ON_JAVA = pytest.mark.skipif(spark_on_java(load()) is not None, reason="Spark on Java is not installed: make spark")


def run(lakemill, command, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "lakemill", "run", "--data", str(lakemill.data), "--", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": str(IMPATIENT), **environment},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    ("python", "program", "says"),
    [
        ("boto3", "athena.py", "worst days: EWR 03-08 (98 min), JFK 07-10 (64 min), LGA 03-08 (106 min)"),
        ("boto3", "boto3_only.py", "transform gave 3000 lines"),
        ("boto3", "growing_stream.py", "1200 clicks of 20 users in order, over 4 shards"),
        ("boto3", "sealed_orders.py", "200 orders worth 10200"),
        ("boto3", "glue_job.py", "300 orders worth 3500"),
        pytest.param("boto3", "glue_spark.py", "320 customers in", marks=pytest.mark.slow),
        pytest.param("boto3", "glue_mllib.py", "area under ROC: 0.90", marks=[pytest.mark.slow, ON_JAVA]),
        pytest.param("boto3", "find_matches.py", "F1 1.000", marks=pytest.mark.slow),
        ("boto3", "redshift.py", "by psycopg: [('Delta',)]"),
        ("boto3", "video_door.py", "the clip has 60 frames"),
        pytest.param("sdk2", "factorization_machines_sdk2.py", "sparse features: 0.7", marks=pytest.mark.slow),
        pytest.param("sdk2", "ipinsights_sdk2.py", "JSON Lines get the same answers", marks=pytest.mark.slow),
        pytest.param("sdk2", "kmeans_sdk2.py", "in 10 clusters", marks=pytest.mark.slow),
        pytest.param("sdk2", "knn_sdk2.py", "accuracy on 2000 held-out images", marks=pytest.mark.slow),
        pytest.param("sdk2", "lda_sdk2.py", "each of 10 topics is found", marks=pytest.mark.slow),
        pytest.param("sdk2", "pca_sdk2.py", "50 components leave 0.13", marks=pytest.mark.slow),
        pytest.param("sdk2", "randomcutforest_sdk2.py", "09 Feb", marks=pytest.mark.slow),
        pytest.param("sdk2", "linear_learner_sdk2.py", "AUC on", marks=pytest.mark.slow),
        ("sdk2", "xgboost_sdk2.py", "the batch job gave the same"),
        ("sdk3", "xgboost_sdk3.py", "AUC on"),
    ],
)
def test_program_runs_unmodified(lakemill, python, program, says):
    assert says in run(lakemill, [PYTHONS[python], program])


def test_taxi_rides_are_landed_and_their_events_stand_out(lakemill):
    said = run(lakemill, [PYTHONS["boto3"], "taxi_streams.py"])
    assert "10,320 rows in s3://taxi-lake" in said
    found = next(line for line in said.splitlines() if "RANDOM_CUT_FOREST found" in line)
    assert all(event in found for event in ("marathon", "Thanksgiving", "Christmas", "New Year", "blizzard"))
    told = run(lakemill, [PYTHONS["boto3"], "taxi_lake.py"])
    assert "7 partitions by month" in told and "8,640 half-hours to learn from, 1,344 held out" in told
    error, naive = re.search(r"MAE ([\d,]+) passengers; as a week before ([\d,]+)", told).groups()
    assert int(error.replace(",", "")) < 0.8 * int(naive.replace(",", ""))


@pytest.mark.slow
def test_aws_cli_copies_trains_and_reads_the_log(lakemill):
    path = f"{PYTHONS['sdk2'].parent}:{os.environ['PATH']}"
    assert "training job: Completed" in run(lakemill, ["bash", "awscli.sh"], PATH=path)


def test_aws_cli_puts_splits_reads_and_lands(lakemill):
    path = f"{PYTHONS['sdk2'].parent}:{os.environ['PATH']}"
    said = run(lakemill, ["bash", "awscli_streams.sh"], PATH=path)
    assert "shards: 4" in said
    assert '{"user": "ada", "page": "/"}' in said
    assert "landed: one two" in said


@pytest.mark.slow
def test_aws_cli_crawls_asks_and_loads(lakemill):
    path = f"{PYTHONS['sdk2'].parent}:{os.environ['PATH']}"
    said = run(lakemill, ["bash", "awscli_lake.sh"], PATH=path)
    assert 'athena: "1","5.75"' in said
    assert "redshift: ink\t8.50" in said


def test_the_execution_role_is_found_in_a_session_of_an_assumed_role(lakemill):
    """2.x asks STS at https://sts.<region>.amazonaws.com, whatever endpoint is configured."""
    program = (
        "import sagemaker, role\n"
        "session = sagemaker.Session(boto_session=role.assumed_session())\n"
        "print('role is', sagemaker.get_execution_role(sagemaker_session=session))\n"
        "print('bucket is', session.default_bucket())\n"
    )
    said = run(lakemill, [PYTHONS["sdk2"], "-c", program])
    assert "role is arn:aws:iam::000000000000:role/example-sagemaker-role" in said
    assert "bucket is sagemaker-us-east-1-000000000000" in said
