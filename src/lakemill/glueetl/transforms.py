"""Transforms as scripts know them from awsglue.transforms: classes with `apply`.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-GlueTransform.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import functions as F

from lakemill.glueetl.columns import column
from lakemill.glueetl.dynamicframe import DynamicFrame, DynamicFrameCollection


class GlueTransform:
    """A transform: `Name.apply(frame, ...)` is `Name()(frame, ...)`."""

    @classmethod
    def apply(cls, *args: Any, **more: Any) -> Any:
        return cls()(*args, **more)

    def __call__(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def name(cls) -> str:
        return cls.__name__


class ApplyMapping(GlueTransform):
    def __call__(self, frame: DynamicFrame, mappings: Sequence[Any], case_sensitive: bool = False, **stage: Any) -> Any:
        return frame.apply_mapping(mappings, case_sensitive, **stage)


class DropFields(GlueTransform):
    def __call__(self, frame: DynamicFrame, paths: Sequence[str], **stage: Any) -> Any:
        return frame.drop_fields(paths, **stage)


class SelectFields(GlueTransform):
    def __call__(self, frame: DynamicFrame, paths: Sequence[str], **stage: Any) -> Any:
        return frame.select_fields(paths, **stage)


class RenameField(GlueTransform):
    def __call__(self, frame: DynamicFrame, old_name: str, new_name: str, **stage: Any) -> Any:
        return frame.rename_field(old_name, new_name, **stage)


class Filter(GlueTransform):
    def __call__(self, frame: DynamicFrame, f: Callable[[Any], bool], **stage: Any) -> Any:
        return frame.filter(f, **stage)


class Map(GlueTransform):
    def __call__(self, frame: DynamicFrame, f: Callable[[Any], Any], **stage: Any) -> Any:
        return frame.map(f, **stage)


class Join(GlueTransform):
    def __call__(
        self,
        frame1: DynamicFrame,
        frame2: DynamicFrame,
        keys1: Sequence[str],
        keys2: Sequence[str],
        transformation_ctx: str = "",
    ) -> Any:
        return frame1.join(keys1, keys2, frame2, transformation_ctx=transformation_ctx)


class Relationalize(GlueTransform):
    def __call__(
        self,
        frame: DynamicFrame,
        staging_path: str | None = None,
        name: str = "roottable",
        options: Any = None,
        **stage: Any,
    ) -> Any:
        return frame.relationalize(name, staging_path, options, **stage)


class ResolveChoice(GlueTransform):
    def __call__(
        self,
        frame: DynamicFrame,
        specs: Any = None,
        choice: str = "",
        database: Any = None,
        table_name: Any = None,
        **stage: Any,
    ) -> Any:
        return frame.resolveChoice(specs, choice, database, table_name, **stage)


class UnnestFrame(GlueTransform):
    def __call__(self, frame: DynamicFrame, **stage: Any) -> Any:
        return frame.unnest(**stage)


class Unbox(GlueTransform):
    def __call__(self, frame: DynamicFrame, path: str, format: str, **options: Any) -> Any:
        return frame.unbox(path, format, **options)


class SplitFields(GlueTransform):
    def __call__(
        self,
        frame: DynamicFrame,
        paths: Sequence[str],
        name1: str | None = None,
        name2: str | None = None,
        **stage: Any,
    ) -> Any:
        return frame.split_fields(paths, name1 or f"{frame.name}1", name2 or f"{frame.name}2", **stage)


class SplitRows(GlueTransform):
    def __call__(
        self,
        frame: DynamicFrame,
        comparison_dict: Mapping[str, Any],
        name1: str = "frame1",
        name2: str = "frame2",
        **stage: Any,
    ) -> Any:
        return frame.split_rows(comparison_dict, name1, name2, **stage)


class Spigot(GlueTransform):
    def __call__(self, frame: DynamicFrame, path: str, options: Any = None, transformation_ctx: str = "") -> Any:
        return frame.spigot(path, options, transformation_ctx=transformation_ctx)


class Repartition(GlueTransform):
    def __call__(self, frame: DynamicFrame, num_partitions: int, **stage: Any) -> Any:
        return frame.repartition(num_partitions, **stage)


class Union(GlueTransform):
    def __call__(self, frame1: DynamicFrame, frame2: DynamicFrame, **stage: Any) -> Any:
        return frame1.union(frame2, **stage)


class MergeDynamicFrame(GlueTransform):
    def __call__(self, source: DynamicFrame, stage: DynamicFrame, primary_keys: Sequence[str], **more: Any) -> Any:
        return source.mergeDynamicFrame(stage, primary_keys, **more)


class DropNullFields(GlueTransform):
    """Fields that are null in all records go, also those within structs."""

    def __call__(self, frame: DynamicFrame, transformation_ctx: str = "", **stage: Any) -> Any:
        schema = frame.schema()
        rows = frame.toDF().agg(*[F.max(column(f.name).isNotNull()).alias(f.name) for f in schema.fields])
        known = rows.collect()[0].asDict() if schema.fields else {}
        gone = [f"`{field.name}`" for field in schema.fields if not known[field.name]]
        return frame.drop_fields(gone, transformation_ctx=transformation_ctx, **stage)


class DropDuplicates(GlueTransform):
    """The first record of those that are equal, in the columns or in all."""

    def __call__(self, frame: DynamicFrame, columns: Sequence[str] | None = None, transformation_ctx: str = "") -> Any:
        made = frame.toDF().dropDuplicates(list(columns) if columns else None)
        return DynamicFrame(made, frame.glue_ctx, transformation_ctx or frame.name, frame.schema())


class FillMissingValues(GlueTransform):
    def __call__(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError("FillMissingValues is not provided.")


class SelectFromCollection(GlueTransform):
    def __call__(self, dfc: DynamicFrameCollection, key: str, transformation_ctx: str = "") -> Any:
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    def __call__(self, dfc: DynamicFrameCollection, callable: Callable[..., Any], transformation_ctx: str = "") -> Any:
        return dfc.map(callable, transformation_ctx)


class FlatMap(GlueTransform):
    def __call__(
        self,
        dfc: DynamicFrameCollection,
        BaseTransform: Any,
        frame_name: str,
        transformation_ctx: str = "",
        **base: Any,
    ) -> Any:
        """A transform on each frame of a collection; frame_name: its parameter that takes the frame."""
        return dfc.flatmap(lambda frame, ctx: BaseTransform.apply(**{**base, frame_name: frame}), transformation_ctx)


class ErrorsAsDynamicFrame(GlueTransform):
    def __call__(self, frame: DynamicFrame) -> Any:
        return frame.errorsAsDynamicFrame()


__all__ = [name for name, one in list(globals().items()) if isinstance(one, type) and issubclass(one, GlueTransform)]
