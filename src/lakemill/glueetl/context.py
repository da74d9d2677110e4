"""GlueContext, as scripts know it from awsglue.context.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html
"""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from lakemill.glueetl import catalog, gluetypes, objects, reading, sinks, sources
from lakemill.glueetl.dynamicframe import DynamicFrame, DynamicFrameCollection
from lakemill.glueetl.reading import Typed
from lakemill.glueetl.sessions import NO_RDD, NotProvided, on_java, session

RETENTION_H = 168
"""Objects younger than this are not purged, unless retentionPeriod says otherwise."""
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")


class GlueContext:
    """Sources and sinks of dynamic frames, and the session they work in."""

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        import pyspark  # Sail's runner has put its own SparkContext there.

        made = isinstance(sparkContext, pyspark.SparkContext)
        self._sc = sparkContext if made else pyspark.SparkContext.getOrCreate()
        self.spark_session = session()
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)

    @property
    def sparkSession(self) -> Any:
        return self.spark_session

    @property
    def sparkContext(self) -> Any:
        return self._sc

    def get_logger(self) -> logging.Logger:
        """One that writes to the error log of the run, beside Spark's."""
        logger = logging.getLogger("awsglue")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    # Sources

    def getSource(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", **options: Any
    ) -> "Source":
        return Source(self, connection_type, format, transformation_ctx, options)

    def create_dynamic_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
        **more: Any,
    ) -> DynamicFrame:
        _none(more)
        found = catalog.table(database, table_name, catalog_id)
        typed = sources.of_table(found, push_down_predicate or "", additional_options or {}, transformation_ctx)
        return self._frame(typed, transformation_ctx or table_name)

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        **more: Any,
    ) -> DynamicFrame:
        _none(more)
        if connection_type not in sinks.S3_TYPES:
            raise ValueError(f"The connection type {connection_type} is not supported: sources read from S3.")
        kind = connection_type if connection_type != "s3" else format
        typed = sources.of_paths(connection_options or {}, kind, format_options or {}, transformation_ctx)
        return self._frame(typed, transformation_ctx)

    def create_dynamic_frame_from_rdd(
        self,
        data: Any,
        name: str = "",
        schema: Any = None,
        sample_ratio: float | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """data: rows, tuples, or dicts. schema: Spark's or awsglue's; None: what the first of them show."""
        if not on_java():
            raise NotProvided(NO_RDD.format(what="create_dynamic_frame_from_rdd"))
        given = gluetypes.to_spark(schema) if isinstance(schema, gluetypes.DataType) else schema
        frame: Any = self.spark_session.createDataFrame(data, given, sample_ratio)
        return DynamicFrame.fromDF(frame, self, transformation_ctx or name)

    def create_data_frame_from_catalog(
        self, database: str, table_name: str, transformation_ctx: str = "", **more: Any
    ) -> DataFrame:
        """Spark's frame of a table, with the catalog's types."""
        made = self.create_dynamic_frame_from_catalog(database, table_name, "", transformation_ctx, **more)
        return made.resolveChoice(choice="match_catalog", database=database, table_name=table_name).toDF()

    def create_data_frame_from_options(self, connection_type: str, **more: Any) -> DataFrame:
        return self.create_dynamic_frame_from_options(connection_type, **more).toDF()

    # Sinks

    def getSink(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", **options: Any
    ) -> Any:
        return sinks.sink(self, connection_type, format, options)

    def write_dynamic_frame_from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
    ) -> Any:
        if isinstance(frame, DynamicFrameCollection):
            return self._write_all(frame, connection_type, connection_options or {}, format, format_options or {})
        return sinks.sink(self, connection_type, format, connection_options or {}, format_options).writeFrame(frame)

    def write_from_options(self, frame_or_dfc: Any, connection_type: str, **options: Any) -> Any:
        return self.write_dynamic_frame_from_options(frame_or_dfc, connection_type, **options)

    def write_dynamic_frame_from_catalog(
        self,
        frame: DynamicFrame,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
    ) -> Any:
        return sinks.to_table(frame, database, table_name, additional_options or {}, catalog_id)

    def write_dynamic_frame_from_jdbc_conf(self, *_: Any, **__: Any) -> Any:
        raise ValueError("JDBC connections are not provided: sinks write to S3.")

    def write_data_frame_from_catalog(self, frame: DataFrame, database: str, table_name: str, **more: Any) -> Any:
        return self.write_dynamic_frame_from_catalog(DynamicFrame.fromDF(frame, self), database, table_name, **more)

    def _write_all(
        self, frames: DynamicFrameCollection, kind: str, options: Mapping[str, Any], format: Any, format_options: Any
    ) -> Any:
        """Each below the path, in a folder of its name."""
        for name, frame in frames.items():
            path = f"{str(options['path']).rstrip('/')}/{name}"
            sinks.sink(self, kind, format, {**options, "path": path}, format_options).writeFrame(frame)
        return frames

    # Deleting

    def purge_table(
        self,
        database: str,
        table_name: str,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """Delete a table's objects that are older than options["retentionPeriod"] hours; the table stays."""
        options = options or {}
        found = catalog.table(database, table_name, catalog_id)
        predicate = options.get("partitionPredicate", "")
        for location, _ in sources.places(found, predicate, None):
            self.purge_s3_path(location, {name: one for name, one in options.items() if name != "partitionPredicate"})

    def purge_s3_path(
        self, s3_path: str, options: Mapping[str, Any] | None = None, transformation_ctx: str = ""
    ) -> None:
        """Delete the objects below an address that are older than options["retentionPeriod"] hours."""
        options = dict(options or {})
        hours = float(options.pop("retentionPeriod", RETENTION_H))
        excluded = tuple(options.pop("excludeStorageClasses", ARCHIVED))
        if set(options) or set(excluded) - set(ARCHIVED):
            raise ValueError("A purge takes the options retentionPeriod and partitionPredicate.")
        before = time.time() * 1000 - hours * 3_600_000
        objects.delete(one for one in objects.everything(s3_path) if one.modified <= before)

    def _frame(self, typed: Typed, name: str) -> DynamicFrame:
        frame, schema = typed
        return DynamicFrame(frame, self, name, schema)

    def __getattr__(self, name: str) -> Any:
        if name in ("sql", "read", "table", "createDataFrame", "range", "udf", "catalog", "readStream", "streams"):
            return getattr(self.spark_session, name)
        raise AttributeError(f"GlueContext.{name} is not provided.")


class Source:
    """What getSource gives."""

    def __init__(
        self, context: GlueContext, kind: str, format: str | None, ctx: str, options: Mapping[str, Any]
    ) -> None:
        self._context, self._kind, self._format, self._ctx, self._options = context, kind, format, ctx, options
        self._format_options: dict[str, Any] = {}

    def setFormat(self, format: str, **options: Any) -> "Source":
        self._format, self._format_options = reading.format_of(format), options
        return self

    def getFrame(self, **options: Any) -> DynamicFrame:
        given = {**self._options, **options}
        return self._context.create_dynamic_frame_from_options(
            self._kind, given, self._format, self._format_options, self._ctx
        )


class _Part:
    def __init__(self, glue_context: GlueContext) -> None:
        self._glue_context = glue_context


class DynamicFrameReader(_Part):
    """GlueContext.create_dynamic_frame."""

    def from_catalog(self, database: str, table_name: str, **more: Any) -> DynamicFrame:
        if "name_space" in more:
            database = more.pop("name_space")
        return self._glue_context.create_dynamic_frame_from_catalog(database, table_name, **more)

    def from_options(self, connection_type: str, *rest: Any, **more: Any) -> DynamicFrame:
        return self._glue_context.create_dynamic_frame_from_options(connection_type, *rest, **more)

    def from_rdd(self, data: Any, name: str = "", *rest: Any, **more: Any) -> DynamicFrame:
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, *rest, **more)


class DataFrameReader(_Part):
    """GlueContext.create_data_frame."""

    def from_catalog(self, database: str, table_name: str, **more: Any) -> DataFrame:
        return self._glue_context.create_data_frame_from_catalog(database, table_name, **more)

    def from_options(self, connection_type: str, **more: Any) -> DataFrame:
        return self._glue_context.create_data_frame_from_options(connection_type, **more)


class DynamicFrameWriter(_Part):
    """GlueContext.write_dynamic_frame."""

    def from_options(self, frame: Any, connection_type: str, *rest: Any, **more: Any) -> Any:
        return self._glue_context.write_dynamic_frame_from_options(frame, connection_type, *rest, **more)

    def from_catalog(self, frame: DynamicFrame, database: str = "", table_name: str = "", **more: Any) -> Any:
        name = more.pop("name_space", database)
        return self._glue_context.write_dynamic_frame_from_catalog(frame, name, table_name, **more)

    def from_jdbc_conf(self, *rest: Any, **more: Any) -> Any:
        return self._glue_context.write_dynamic_frame_from_jdbc_conf()


class DataFrameWriter(_Part):
    """GlueContext.write_data_frame."""

    def from_catalog(self, frame: DataFrame, database: str, table_name: str, **more: Any) -> Any:
        return self._glue_context.write_data_frame_from_catalog(frame, database, table_name, **more)


def _none(more: Mapping[str, Any]) -> None:
    for name in more:
        raise TypeError(f"unexpected argument {name!r}")
