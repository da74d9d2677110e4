"""A session of Spark on an embedded server, for tests of frames: it costs two seconds, so these tests are slow ones."""

import os
import sys

import pytest

from lakemill.glueetl import jsonfiles

# The main module of a worker of xdist has no file; pyspark takes that for its own doctests, and leaves the process.
vars(sys.modules["__main__"]).setdefault("__file__", __file__)


@pytest.fixture(scope="session")
def spark():
    from pysail.spark import SparkConnectServer

    os.environ.setdefault("RUST_LOG", "error")
    server = SparkConnectServer(port=0)
    server.start(background=True)
    host, port = server.listening_address
    os.environ["SPARK_REMOTE"] = f"sc://{host}:{port}"
    from lakemill.glueetl import sparkcontext

    sparkcontext.install({"spark.sql.ansi.enabled": "false"})
    yield sparkcontext.session()
    sparkcontext.leave()
    del os.environ["SPARK_REMOTE"]
    server.stop()


@pytest.fixture
def frame(spark, tmp_path):
    """A dynamic frame of JSON Lines."""
    from lakemill.glueetl import materialising
    from lakemill.glueetl.dynamicframe import DynamicFrame

    def frame(*lines):
        made = len(list(tmp_path.iterdir()))
        source, target = tmp_path / f"{made}.json", tmp_path / f"{made}.parquet"
        source.write_text("\n".join(lines))
        schema = jsonfiles.convert([source], None, target)
        return DynamicFrame(materialising.read(target), None, "f", schema)

    return frame
