"""Where a script runs is read from it."""

import ast

import pytest

from lakemill.glueetl import needs

ON_JAVA = [
    ("rdd = sc.parallelize([1, 2])", "parallelize", "RDDs"),
    ("sc.textFile('s3://lake/a').count()", "textFile", "RDDs"),
    ("frame.toDF().rdd.map(f)", "rdd", "RDDs"),
    ("seen = sc.accumulator(0)", "accumulator", "accumulators"),
    ("from pyspark.ml import Pipeline", "pyspark.ml", "MLlib"),
    ("from pyspark.ml.clustering import KMeans", "pyspark.ml.clustering", "MLlib"),
    ("import pyspark.mllib.stat as stat", "pyspark.mllib.stat", "MLlib"),
    ("from pyspark import ml", "pyspark.ml", "MLlib"),
    ("frame.write.mode('append').orc('s3://lake/a')", "orc", "ORC by Spark"),
    ("spark.read.orc('s3://lake/a')", "orc", "ORC by Spark"),
    ("spark.read.format('ORC').load('s3://lake/a')", 'format("orc")', "ORC by Spark"),
    ("sc._jvm.java.lang.System.gc()", "_jvm", "Java"),
    ("context.create_dynamic_frame_from_rdd(rows, 'rows')", "create_dynamic_frame_from_rdd", "RDDs"),
]
ON_SAIL = [
    "from pyspark.context import SparkContext\nsc = SparkContext.getOrCreate()",
    "import pyspark\nfrom pyspark.sql import functions as F",
    "frame.write.format('parquet').save('s3://lake/a')",
    "spark.range(3).mapInPandas(f, 'a int')",
    "sc.broadcast([1])",
    # A dynamic frame's ORC is not Spark's.
    "context.write_dynamic_frame.from_options(frame, 's3', {'path': p}, format='orc')",
    "sink.setFormat('orc')",
    "# sc.parallelize([1])\nprint('pyspark.ml', 'frame.rdd')",
    "import pyspark_mlflow",
]


@pytest.mark.parametrize(("text", "what", "why"), ON_JAVA, ids=[text for text, _, _ in ON_JAVA])
def test_what_sail_has_not_is_found(text, what, why):
    assert [found[:2] for found in needs.of_tree(ast.parse(text))] == [(what, why)]


@pytest.mark.parametrize("text", ON_SAIL)
def test_what_sail_has_needs_no_java(text):
    assert not list(needs.of_tree(ast.parse(text)))


def test_the_first_use_is_told_with_its_line(tmp_path):
    script, module = tmp_path / "script.py", tmp_path / "helping.py"
    script.write_text("import helping\n")
    module.write_text(
        "def f(sc):\n    x = 1\n    return sc.parallelize([x]).map(str)\n\nfrom pyspark.ml import Pipeline\n"
    )
    found = needs.java([script, module], None)
    assert str(found) == "parallelize in line 3 of helping.py (RDDs)"


@pytest.mark.parametrize(("mode", "expected"), [("classic", True), ("connect", False)])
def test_the_setting_wins_over_what_is_read(tmp_path, mode, expected):
    script = tmp_path / "script.py"
    script.write_text("sc.parallelize([1])" if not expected else "print(1)")
    assert needs.java([script], mode) is expected


def test_another_mode_is_refused(tmp_path):
    with pytest.raises(needs.ModeWrong, match=r"spark\.api\.mode must be classic or connect; got local"):
        needs.java([], "local")


@pytest.mark.parametrize("text", ["def", "x = '\x00'", "(" * 500, "x" + ".a" * 20_000])
def test_what_is_no_python_says_so_when_it_runs(tmp_path, text):
    script = tmp_path / "script.py"
    script.write_text(text)
    assert needs.java([script], None) is False
