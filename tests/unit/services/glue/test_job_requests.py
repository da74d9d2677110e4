"""What a job may be, by tables."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.glue import job_arguments, job_request
from tests.unit.services.glue.conftest import COMMAND


def refusal(**members):
    with pytest.raises(ServiceError) as caught:
        job_request.definition({"Role": "r", "Command": COMMAND} | members)
    assert caught.value.code == "InvalidInputException"
    return caught.value.message


def test_a_definition_has_defaults():
    made = job_request.definition({"Role": "r", "Command": COMMAND})
    assert made == {
        "Role": "r",
        "JobMode": "SCRIPT",
        "Command": COMMAND | {"PythonVersion": "3"},
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "MaxRetries": 0,
        "Timeout": 2880,
        "MaxCapacity": 0.0625,
        "AllocatedCapacity": 0,
    }


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Command": {"Name": "gluestreaming"}}, "streaming jobs are not provided"),
        ({"Command": {"Name": "glueray"}}, "Command glueray is not supported"),
        ({"Command": {"Name": "shell"}}, "Command.Name must be one of pythonshell, glueetl; got shell"),
        ({"Command": COMMAND | {"PythonVersion": "2"}}, "PythonVersion must be one of 3, 3.9; got 2"),
        ({"Command": COMMAND | {"Runtime": "Ray2.4"}}, "only for Job Command glueray"),
        ({"Command": COMMAND | {"ScriptLocation": "https://x/a.py"}}, "ScriptLocation must be an object"),
        ({"Command": COMMAND | {"ScriptLocation": "s3://b/scripts/"}}, "ScriptLocation must be an object"),
        ({"Role": ""}, "Role must be given"),
        ({"MaxCapacity": 2.0}, "must be 0.0625 or 1.0; got 2.0"),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 2}, "Worker Type is not supported for Job Command pythonshell"),
        ({"WorkerType": "G.1X", "MaxCapacity": 1.0}, "set only Allocated Capacity or Worker Type"),
        ({"NumberOfWorkers": 2}, "Number of Workers is not supported"),
        ({"AllocatedCapacity": 2}, "Allocated Capacity is not supported"),
        ({"ExecutionClass": "FLEX"}, "Execution class FLEX is not supported"),
        ({"MaxRetries": 11}, "MaxRetries must be from 0 to 10; got 11"),
        ({"ExecutionProperty": {"MaxConcurrentRuns": 0}}, "MaxConcurrentRuns must be positive; got 0"),
        ({"GlueVersion": "9.0"}, "GlueVersion must be one of"),
        ({"Timeout": 10081}, "Timeout must be at most 10080 minutes; got 10081"),
        ({"Command": COMMAND | {"ScriptLocation": "s3://b/a/.."}}, "ScriptLocation must be an object"),
        ({"JobMode": "VISUAL"}, "JobMode VISUAL is not supported"),
        ({"JobRunQueuingEnabled": True}, "JobRunQueuingEnabled is not supported"),
        ({"Connections": {"Connections": ["c"]}}, "Connections is not supported"),
        ({"LogUri": "s3://b/l/"}, "LogUri is not supported"),
        ({"DefaultArguments": {"--JOB_NAME": "x"}}, "--JOB_NAME is reserved"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(members, message):
    assert message in refusal(**members)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"--debug": "1"}, "--debug is reserved"),
        ({"--job-language": "scala"}, "must be python; got scala"),
        ({"--job-bookmark-option": "job-bookmark-enable"}, "Python shell jobs have no bookmarks"),
        ({"--job-bookmark-option": "on"}, "--job-bookmark-option on is not supported"),
        ({"--python-modules-installer-option": "--upgrade"}, "nothing is installed"),
        ({"--extra-py-files": "s3://b/a.py,libs/b.py"}, "--extra-py-files must be an object"),
        ({"--extra-py-files": "s3://b/a.jar"}, "--extra-py-files takes files that end with"),
        ({"--additional-python-modules": "nowhere-to-be-found"}, "nothing is fetched when a job runs"),
        ({"--additional-python-modules": "msgspec==0.0.1"}, "asks for msgspec==0.0.1, but"),
        ({"--additional-python-modules": "msgspec>=0.1"}, "takes name or name==version"),
        ({"--additional-python-modules": "s3://b/a.tar"}, "takes files that end with"),
    ],
)
def test_arguments_that_cannot_be_honoured_are_refused(arguments, message):
    with pytest.raises(ServiceError) as caught:
        job_arguments.check(arguments, "pythonshell")
    assert message in caught.value.message


def test_arguments_that_can_are_not():
    job_arguments.check(
        {
            "--job-bookmark-option": "job-bookmark-disable",
            "--additional-python-modules": "msgspec, s3://b/a-1.0-py3-none-any.whl",
            "--extra-py-files": "s3://b/a.py, s3://b/c.zip",
            "--enable-metrics": "false",
            "--mine": "1",
        }
    )
