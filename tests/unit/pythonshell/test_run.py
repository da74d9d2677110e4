"""The program that runs a script, as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lakemill.pythonshell

RUN = Path(lakemill.pythonshell.__file__).with_name("run.py")


@pytest.fixture
def run(tmp_path):
    """(exit code, stdout, stderr, failure) of a script's text."""

    def run(text, *arguments):
        script, failure, folder = tmp_path / "job.py", tmp_path / "failure", tmp_path / "work"
        script.write_text(text)
        folder.mkdir(exist_ok=True)
        launch = {"script": str(script), "arguments": arguments, "folder": str(folder), "failure": str(failure)}
        (tmp_path / "launch.json").write_text(json.dumps(launch))
        library = str(RUN.parent / "library")
        done = subprocess.run(
            [sys.executable, "-P", str(RUN), str(tmp_path / "launch.json")],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": library},
        )
        return done.returncode, done.stdout, done.stderr, failure.read_text() if failure.exists() else None

    return run


def test_a_script_is_main_with_its_arguments_and_finds_awsglue(run):
    text = (
        "import os, sys\nfrom awsglue.utils import getResolvedOptions\n"
        "print(__name__, os.path.basename(os.getcwd()), os.path.basename(sys.argv[0]))\n"
        "print(getResolvedOptions(sys.argv, ['day'])['day'])"
    )
    assert run(text, "--day", "5 é") == (0, "__main__ work job.py\n5 é\n", "", None)


def test_what_it_raises_is_told_without_our_frames(run):
    code, _, stderr, failure = run("def f():\n    raise ValueError('no rows')\nf()")
    assert (code, failure) == (1, "ValueError: no rows")
    assert stderr.startswith("Traceback (most recent call last):\n  File")
    assert "run.py" not in stderr and "runpy" not in stderr
    assert stderr.endswith("ValueError: no rows\n")


def test_an_exception_of_a_library_has_its_module(run):
    assert run("import json; json.loads('{')")[3].startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_a_script_that_cannot_be_read_fails_too(run):
    code, _, stderr, failure = run("def\n")
    assert code == 1 and "SyntaxError" in stderr and failure.startswith("SyntaxError: invalid syntax (job.py, line 1)")


@pytest.mark.parametrize(
    ("text", "code"), [("exit(3)", 3), ("exit()", 0), ("exit('no')", 1), ("import os; os._exit(4)", 4)]
)
def test_its_own_exit_code_is_kept(run, text, code):
    assert (run(text)[0], run(text)[3]) == (code, None)
