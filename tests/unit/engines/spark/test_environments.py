"""Spark on Java is found where it is, and told how to be had where it is not."""

import pytest

from lakemill.engines.spark import Environments, SparkMissing


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A factory of environments: `made(jars)`; and Java in the PATH."""
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(java.parent))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def made(*jars):
        folder = tmp_path / "spark"
        (folder / "bin").mkdir(parents=True)
        python = folder / "bin" / "python"
        python.touch(mode=0o755)
        for name in jars:
            jar = folder / "lib" / "python3.11" / "site-packages" / "pyspark" / "jars" / name
            jar.parent.mkdir(parents=True, exist_ok=True)
            jar.touch()
        return python

    return made


def test_an_environment_with_spark_is_found(made, tmp_path):
    python = made("spark-core_2.13-4.3.0.jar")
    found = Environments([python]).find()
    assert (found.python, found.java) == (python, tmp_path / "jdk" / "bin" / "java")


def test_a_client_of_spark_alone_is_not_enough(made):
    python = made()
    with pytest.raises(SparkMissing, match=r"PySpark with Java is not installed at .*python\. .*: make spark"):
        Environments([python]).find()


def test_java_is_missed(made, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkMissing, match="apt-get install openjdk-17-jre-headless"):
        Environments([made("spark-core_2.13-4.3.0.jar")]).find()
