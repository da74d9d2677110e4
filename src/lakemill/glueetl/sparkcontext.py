"""SparkContext for scripts that begin with one, where Spark is Sail: its server has none, and no RDDs."""

import contextlib
import os
import sys
import types
from typing import Any

from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.session import SparkSession

from lakemill.glueetl.sessions import NO_RDD, NotProvided, session

_settings: dict[str, str] = {}


class Broadcast:
    """A value that functions can read; they run in the script's own process."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def unpersist(self, blocking: bool = False) -> None:
        """Nothing is held elsewhere."""

    destroy = unpersist


class SparkContext:
    """What is left of one without RDDs: the session, settings, broadcasts."""

    _active: "SparkContext | None" = None

    def __init__(
        self,
        master: Any = None,
        appName: Any = None,
        sparkHome: Any = None,
        pyFiles: Any = None,
        *rest: Any,
        **more: Any,
    ) -> None:
        """conf: a SparkConf; its settings are the session's. master is the service's to say, as in Glue.

        Raises ValueError.
        """
        if SparkContext._active is not None:
            raise ValueError("Cannot run multiple SparkContexts at once; use SparkContext.getOrCreate().")
        conf = more.get("conf") or next((one for one in (master, *rest) if hasattr(one, "getAll")), None)
        if pyFiles:
            raise ValueError("pyFiles is not provided: name the files in the job's --extra-py-files.")
        named = {"spark.app.name": str(appName)} if appName else {}
        self._session = session((dict(conf.getAll()) if conf is not None else {}) | named)
        SparkContext._active = self

    @classmethod
    def getOrCreate(cls, conf: Any = None) -> "SparkContext":
        if cls._active is None:
            return cls(conf=conf)
        if conf is not None:
            session(dict(conf.getAll()))
        return cls._active

    @property
    def version(self) -> str:
        return self._session.version

    @property
    def applicationId(self) -> str:
        return f"local-{self._session.session_id}"

    @property
    def appName(self) -> str:
        return self._session.conf.get("spark.app.name", "") or ""

    @property
    def defaultParallelism(self) -> int:
        return os.cpu_count() or 1

    def getConf(self) -> Any:
        from pyspark import SparkConf

        return SparkConf().setAll(list(self._session.conf.getAll.items()))

    def broadcast(self, value: Any) -> Broadcast:
        return Broadcast(value)

    def setLogLevel(self, logLevel: str) -> None:
        """Spark's own log is quiet; awsglue's logger follows."""
        import logging

        names = {"ALL": "DEBUG", "TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL", "OFF": "CRITICAL"}
        logging.getLogger("awsglue").setLevel(names.get(logLevel.upper(), logLevel.upper()))

    def stop(self) -> None:
        SparkContext._active = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotProvided(NO_RDD.format(what=f"SparkContext.{name}"))

    def __enter__(self) -> "SparkContext":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()


def install(settings: dict[str, str]) -> None:
    """Put SparkContext where scripts import it from; every session has the settings."""
    import pyspark
    from pyspark.sql import SparkSession as Front

    _settings.update(settings)
    module: Any = types.ModuleType("pyspark.context")
    module.SparkContext = SparkContext
    sys.modules["pyspark.context"] = module
    pyspark.SparkContext = SparkContext  # type: ignore[attr-defined]
    pyspark.context = module  # type: ignore[attr-defined]
    builder: Any = Front.Builder
    _ignore_master(builder)
    builder.enableHiveSupport = lambda self: self
    front: Any = SparkSession
    front.sparkContext = property(lambda self: SparkContext.getOrCreate())
    front.Builder.enableHiveSupport = lambda self: self
    DataFrame.rdd = property(_no_rdd)  # type: ignore[method-assign, assignment]


def leave() -> None:
    """End the session; what the client does by itself at the exit takes seconds, for models that there are none of."""
    found = SparkSession._get_default_session()
    if found is not None:
        with contextlib.suppress(Exception):  # The server ends with the process.
            found.client.close()


def _ignore_master(builder: Any) -> None:
    """The service says where Spark runs, and sets what the job's --conf says when the session is made."""
    create = builder.getOrCreate

    def get_or_create(self: Any) -> Any:
        self._options.pop("spark.master", None)
        before = SparkSession._get_default_session()
        made = create(self)
        if before is None:
            given = {name: value for name, value in _settings.items() if name not in self._options}
            made.conf._set_all(configs=given, silent=True)
        return made

    builder.master = lambda self, master: self
    builder.getOrCreate = get_or_create


def _no_rdd(frame: Any) -> Any:
    raise NotProvided(NO_RDD.format(what="DataFrame.rdd"))
