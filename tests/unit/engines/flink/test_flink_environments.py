"""Environments are found by the version of Flink they hold."""

import os
import subprocess
import sys

import pytest

from lakemill.engines.flink import PINS, Environments, FlinkMissing, command
from lakemill.engines.flink.attempt import GUIDE, SHOWN
from tests import flink_fake


def test_an_environment_serves_the_version_it_holds(tmp_path, monkeypatch):
    python, java = flink_fake.environment(tmp_path / "made", "2.3.0")
    monkeypatch.setenv("JAVA_HOME", str(java))
    found = Environments([tmp_path / "none" / "bin" / "python", python]).find((2, 3))
    assert (found.python, found.version, found.java) == (python, (2, 3), str(java / "bin" / "java"))
    assert found.home == tmp_path / "made/lib/python3.11/site-packages/pyflink"
    with pytest.raises(FlinkMissing) as caught:
        Environments([python]).find((1, 20))
    assert caught.value.command == command((1, 20))
    assert str(caught.value).startswith(f"PyFlink 1.20 is not installed at {python}. To install it: python3.11 -m venv")


def test_the_command_of_a_refusal_installs_where_an_environment_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for version, release in PINS.items():
        with pytest.raises(FlinkMissing):
            Environments().find(version)
        place = command(version).split()[3].replace("~", str(tmp_path))
        python, java = flink_fake.environment(tmp_path / place, release)
        monkeypatch.setenv("JAVA_HOME", str(java))
        assert Environments().find(version).python == python


def test_without_java_the_refusal_says_so(tmp_path, monkeypatch):
    python, _ = flink_fake.environment(tmp_path / "made")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlinkMissing, match=r"Java 17, which is not installed\. To install it: apt-get install openjdk"):
        Environments([python]).find((2, 3))


def test_python_is_led_to_files_where_no_folder_can_be_laid_over_the_machines(tmp_path):
    (tmp_path / "application_properties.json").write_text("[1]")
    program = (
        "import json, os, pathlib; place = '/etc/flink/application_properties.json'\n"
        "print(os.path.isfile(place), json.load(open(place)), pathlib.Path(place).read_text(),"
        "os.path.exists('/etc/flinkx'), open('/dev/null').read() == '')"
    )
    environment = {**os.environ, "PYTHONPATH": str(GUIDE), SHOWN: f"/etc/flink:{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True [1] [1] False True\n", "")
