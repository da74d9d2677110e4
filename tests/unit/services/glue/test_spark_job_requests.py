"""What a Spark job may be, by tables."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.glue import job_arguments, job_capacity, job_request

COMMAND = {"Name": "glueetl", "ScriptLocation": "s3://b/a.py", "PythonVersion": "3"}


def definition(**members):
    return job_request.definition({"Role": "r", "Command": COMMAND} | members)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({}, {"MaxCapacity": 10.0, "GlueVersion": "5.0", "Timeout": 480, "AllocatedCapacity": 10}),
        ({"GlueVersion": "4.0"}, {"GlueVersion": "4.0", "Timeout": 2880}),
        ({"MaxCapacity": 2.0}, {"MaxCapacity": 2.0}),
        ({"AllocatedCapacity": 4}, {"MaxCapacity": 4.0, "AllocatedCapacity": 4}),
        (
            {"WorkerType": "G.2X", "NumberOfWorkers": 3},
            {"WorkerType": "G.2X", "NumberOfWorkers": 3, "MaxCapacity": 6.0},
        ),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 2, "ExecutionClass": "FLEX"}, {"ExecutionClass": "FLEX"}),
        ({"DefaultArguments": {"--enable-spark-ui": "false"}}, {"MaxCapacity": 10.0}),
    ],
)
def test_a_definition_says_what_it_has_by_default(members, wanted):
    made = definition(**members)
    assert {name: made[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"GlueVersion": "2.0"}, "GlueVersion of Job Command glueetl must be one of 3.0, 4.0, 5.0, 5.1; got 2.0"),
        ({"WorkerType": "G.1X"}, "Please set both Worker Type and Number of Workers"),
        ({"NumberOfWorkers": 2}, "Please set both Worker Type and Number of Workers"),
        (
            {"WorkerType": "G.1X", "NumberOfWorkers": 2, "MaxCapacity": 2.0},
            "set only Allocated Capacity or Worker Type",
        ),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 1}, "Number of Workers must be from 2 to 299; got 1"),
        ({"WorkerType": "G.025X", "NumberOfWorkers": 2}, "it is for gluestreaming"),
        ({"WorkerType": "Z.2X", "NumberOfWorkers": 2}, "it is for glueray"),
        ({"WorkerType": "X", "NumberOfWorkers": 2}, "Worker Type must be one of Standard, G.1X"),
        ({"MaxCapacity": 0.0625}, "must be a whole number from 2 to 100; got 0.0625"),
        ({"MaxCapacity": 101.0}, "must be a whole number from 2 to 100; got 101.0"),
        ({"ExecutionClass": "FLEX"}, "Execution class FLEX needs a worker type of G.1X, G.2X; got None"),
        ({"SecurityConfiguration": "s"}, "SecurityConfiguration is not supported"),
        (
            {"DefaultArguments": {"--extra-jars": "s3://b/a.jar"}},
            "--extra-jars is not supported: no jars are added to Spark",
        ),
        ({"DefaultArguments": {"--enable-spark-ui": "true"}}, "--enable-spark-ui is not supported"),
        ({"DefaultArguments": {"--conf": "a=b"}}, "--conf takes spark.name=value; got a=b"),
        ({"DefaultArguments": {"--job-bookmark-option": "on"}}, "--job-bookmark-option must be one of"),
        ({"DefaultArguments": {"--job-bookmark-from": "jr_1"}}, "go together, with --job-bookmark-option"),
        ({"DefaultArguments": {"--class": "Main", "--job-language": "scala"}}, "--job-language must be python"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(members, message):
    with pytest.raises(ServiceError) as caught:
        definition(**members)
    assert caught.value.code == "InvalidInputException"
    assert message in caught.value.message


def test_arguments_of_spark_are_taken():
    job_arguments.check(
        {
            "--job-bookmark-option": "job-bookmark-pause",
            "--job-bookmark-from": "jr_1",
            "--job-bookmark-to": "jr_2",
            "--enable-glue-datacatalog": "",
            "--enable-continuous-cloudwatch-log": "true",
            "--conf": "spark.sql.shuffle.partitions=4 --conf spark.sql.ansi.enabled=true",
        },
        "glueetl",
    )


@pytest.mark.parametrize("value", ["", "true"])
def test_metrics_are_refused_by_name(value):
    with pytest.raises(ServiceError, match="--enable-metrics is not supported: there are no metrics in CloudWatch"):
        job_arguments.check({"--enable-metrics": value})


def test_a_run_of_a_python_shell_job_has_no_workers():
    with pytest.raises(ServiceError, match="Worker Type is not supported for Job Command pythonshell"):
        job_capacity.of("pythonshell", {"WorkerType": "G.1X", "NumberOfWorkers": 2})
