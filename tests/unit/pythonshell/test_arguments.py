"""getResolvedOptions, as a script finds it."""

import importlib.util
from pathlib import Path

import pytest

import lakemill.pythonshell

PLACE = Path(lakemill.pythonshell.__file__).parent / "library" / "awsglue" / "utils.py"
spec = importlib.util.spec_from_file_location("awsglue_utils", PLACE)
utils = importlib.util.module_from_spec(spec)
spec.loader.exec_module(utils)


def resolved(text, *names):
    return utils.getResolvedOptions(["script.py", *text.split()], list(names))


def test_named_arguments_come_back_and_others_do_not_disturb():
    found = resolved("--day 2026-01-31 --verbose 1 --max-rows 7", "day", "max-rows")
    assert (found["day"], found["max_rows"], "verbose" in found) == ("2026-01-31", "7", False)


def test_what_concerns_bookmarks_is_always_there():
    found = resolved("")
    expected = {"job_bookmark_option": "job-bookmark-disable", "job_bookmark_from": None, "job_bookmark_to": None}
    assert expected.items() <= found.items()
    assert "continuation_option" not in found


@pytest.mark.parametrize("given", ["TempDir", "RedshiftTempDir"])
def test_the_temporary_folder_has_two_names_and_may_be_asked_for(given):
    found = resolved(f"--{given} s3://b/tmp/", "TempDir")
    assert found["TempDir"] == found["RedshiftTempDir"] == "s3://b/tmp/"
    assert resolved("", "TempDir")["TempDir"] is None


@pytest.mark.parametrize(
    ("text", "bookmark"),
    [
        ("--job-bookmark-option job-bookmark-pause", "job-bookmark-pause"),
        ("--continuation-option continuation-enabled", "job-bookmark-enable"),
        (
            "--continuation-option continuation-readonly --job-bookmark-option job-bookmark-disable",
            "job-bookmark-disable",
        ),
    ],
)
def test_a_bookmark_option_has_an_older_name_that_comes_second(text, bookmark):
    assert resolved(text)["job_bookmark_option"] == bookmark


@pytest.mark.parametrize(
    "name", ["job-bookmark-option", "job-bookmark-from", "JOB_ID", "JOB_RUN_ID", "encryption-type"]
)
def test_reserved_names_are_refused(name):
    with pytest.raises(RuntimeError, match=f"Using reserved arguments {name}"):
        resolved("", name)


def test_the_name_of_the_job_may_be_asked_for():
    assert resolved("--JOB_NAME nightly", "JOB_NAME")["JOB_NAME"] == "nightly"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("--b 1", utils.GlueArgumentError, "the following arguments are required: --a"),
        ("--a", utils.GlueArgumentError, "expected one argument"),
        ("--a 1 --job-bookmark-option maybe", utils.GlueArgumentError, "invalid choice"),
        ("--a 1 --job-bookmark-option job-bookmark-pause --job-bookmark-from x", RuntimeError, "--job-bookmark-to"),
        ("--a 1 --job-bookmark-from x --job-bookmark-to y", RuntimeError, "Invalid option"),
    ],
)
def test_what_is_missing_or_wrong_is_named(text, error, message):
    with pytest.raises(error) as caught:
        resolved(text, "a")
    assert message in str(caught.value)
