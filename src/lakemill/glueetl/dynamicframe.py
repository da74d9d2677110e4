"""DynamicFrame and DynamicFrameCollection, as scripts know them from awsglue.dynamicframe.

A dynamic frame is a frame of Spark's with a schema that may have choices (see gluetypes). Its methods make new frames
and compute nothing, but where a schema can be known from the data only, or identifiers must not change: `map`,
`relationalize` and `unbox` compute theirs when they are called.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl import (
    choices,
    columns,
    errors,
    gluetypes,
    inference,
    joining,
    mapping,
    paths,
    records,
    relational,
    splitting,
)
from lakemill.glueetl.gluetypes import DataType, Field, StructType
from lakemill.glueetl.sessions import NO_RDD, NotProvided, on_java

Fields = list[tuple[str, Column, DataType]]
_STAGE: dict[str, Any] = {"transformation_ctx": "", "info": "", "stageThreshold": 0, "totalThreshold": 0}


class DynamicFrame:
    """frame: as Spark has it. schema: with choices; None: as Spark's."""

    def __init__(
        self,
        frame: DataFrame,
        glue_ctx: Any = None,
        name: str = "",
        schema: StructType | None = None,
        problems: errors.Problems | None = None,
    ) -> None:
        self._frame, self.glue_ctx, self.name = frame, glue_ctx, name
        found = schema if schema is not None else gluetypes.of_spark(frame.schema)
        assert isinstance(found, StructType)
        self._schema = found
        self._problems = problems or errors.Problems()

    # In and out

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: Any, name: str = "") -> "DynamicFrame":
        """From a frame of Spark's."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Any = None) -> DataFrame:
        """Spark's frame; a choice is a struct with a field for each type.

        options: what becomes of choices, as ResolveOption(path, action, target).
        """
        if not options:
            return self._frame
        specs = [(one.path, f"{one.action}:{one.target}" if one.target else one.action) for one in options]
        return self.resolveChoice(specs=[(path, action.lower()) for path, action in specs])._frame

    def schema(self) -> StructType:
        return self._schema

    def printSchema(self) -> None:
        print(gluetypes.tree(self._schema))

    def show(self, num_rows: int = 20) -> None:
        """Print records as JSON, a line each; what is null is left out."""
        for row in self._frame.limit(num_rows).toArrow().to_pylist(maps_as_pydicts="lossy"):
            print(json.dumps(_full(inference.unpacked(row, self._schema)), default=str))

    def count(self) -> int:
        return self._frame.count()

    def getNumPartitions(self) -> int:
        if not on_java():
            raise NotProvided(NO_RDD.format(what="getNumPartitions"))
        return self._frame.rdd.getNumPartitions()

    # Fields

    def select_fields(self, paths: Sequence[str] | str, **stage: Any) -> "DynamicFrame":
        """Only these fields; of nested ones, the structs around them stay. A path that leads nowhere is left out."""
        wanted = [found for path in _list(paths) if (found := _find(self._schema, path))]
        return self._made(splitting.selected(columns.all_of(self._schema), wanted), stage)

    def drop_fields(self, paths: Sequence[str] | str, **stage: Any) -> "DynamicFrame":
        """All fields but these."""
        fields = columns.all_of(self._schema)
        for path in _list(paths):
            found = _find(StructType(Field(name, type) for name, _, type in fields), path)
            if found:
                fields = columns.changed(fields, found, lambda name, value, type: [])
        return self._made(fields, stage)

    def rename_field(self, oldName: str, newName: str, **stage: Any) -> "DynamicFrame":
        """A path and a new name; one with dots stands in backquotes, else the field becomes nested."""
        if not self._schema.fields:
            return self._like(self._frame, self._schema, stage)
        old, new = paths.of(self._schema, oldName), paths.parse(newName)
        if len(new) > 1 and new[:-1] != old[:-1]:
            value, type = columns.at(self._schema, old)
            rest = columns.changed(columns.all_of(self._schema), old, lambda name, value, type: [])
            return self._made(splitting.nested(rest, new, value, type), stage)
        change = lambda name, value, type: [(new[-1], value, type)]  # noqa: E731
        return self._made(columns.changed(columns.all_of(self._schema), old, change), stage)

    def apply_mapping(self, mappings: Sequence[Any], case_sensitive: bool = False, **stage: Any) -> "DynamicFrame":
        return self._made(mapping.applied(self._schema, mappings, case_sensitive=case_sensitive), stage)

    def resolveChoice(
        self,
        specs: Sequence[tuple[str, str]] | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        catalog_id: str | None = None,
        **stage: Any,
    ) -> "DynamicFrame":
        """specs: [(path, action)], or choice: an action for all choices."""
        if specs and choice:
            raise ValueError("resolveChoice takes specs or choice, not both.")
        if not specs and not choice:
            raise ValueError("resolveChoice needs specs or choice.")
        if choice.lower() == "match_catalog" or any(action == "match_catalog" for _, action in specs or []):
            if not database or not table_name:
                raise ValueError("match_catalog needs database and table_name.")
            from lakemill.glueetl import catalog

            return self._made(
                choices.matched(self._schema, catalog.table(database, table_name, catalog_id).schema), stage
            )
        if specs and self._schema.fields:
            return self._made(choices.by_specs(self._schema, specs), stage)
        return self._made(choices.everywhere(self._schema, choice or "make_struct"), stage)

    def unnest(self, **stage: Any) -> "DynamicFrame":
        return self._made(relational.unnested(self._schema), stage)

    def unbox(self, path: str, format: str, **options: Any) -> "DynamicFrame":
        """Parse the text of a field: format json, or csv with its options."""
        from lakemill.glueetl import unboxing

        stage = {name: options.pop(name) for name in _STAGE if name in options}
        frame, schema = unboxing.unboxed(self._frame, self._schema, paths.of(self._schema, path), format, options)
        return self._like(frame, schema, stage)

    # Rows

    def filter(self, f: Callable[[Any], bool], **stage: Any) -> "DynamicFrame":
        """Records for which a Python function says yes."""
        return self._like(records.kept(self._frame, self._schema, f), self._schema, stage)

    def map(self, f: Callable[[Any], Any], preservesPartitioning: bool = False, **stage: Any) -> "DynamicFrame":
        """What a Python function makes of each record; those for which it raises are error records."""
        frame, schema, failed, count = records.mapped(self._frame, self._schema, f)
        problems = self._problems.with_more(failed, count, _stage(stage))
        return DynamicFrame(frame, self.glue_ctx, _stage(stage)["transformation_ctx"] or self.name, schema, problems)

    def join(
        self, paths1: Sequence[str], paths2: Sequence[str], frame2: "DynamicFrame", **stage: Any
    ) -> "DynamicFrame":
        """Where the fields are equal. A field whose name both have is `.name` from the second."""
        if not self._schema.fields or not frame2._schema.fields:  # Nothing was read, so nothing is equal.
            return DynamicFrame(self._frame.limit(0).select(columns.nothing()), self.glue_ctx, self.name, StructType())
        frame, schema = joining.joined(
            (self._frame, self._schema, _list(paths1)), (frame2._frame, frame2._schema, _list(paths2))
        )
        return self._like(frame, schema, stage)

    def union(self, frame2: "DynamicFrame", **stage: Any) -> "DynamicFrame":
        """The records of both; fields that differ in type become choices."""
        frame, schema = joining.united([(self._frame, self._schema), (frame2._frame, frame2._schema)])
        return self._like(frame, schema, stage)

    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: "DynamicFrame",
        primary_keys: Sequence[str],
        transformation_ctx: str = "",
        **stage: Any,
    ) -> "DynamicFrame":
        """Records of the stage take the place of those with the same keys."""
        keys = [paths.of(self._schema, key) for key in primary_keys]
        other = [paths.of(stage_dynamic_frame._schema, key) for key in primary_keys]
        frame, schema = joining.merged(
            (self._frame, self._schema, keys), (stage_dynamic_frame._frame, stage_dynamic_frame._schema, other)
        )
        return self._like(frame, schema, stage | {"transformation_ctx": transformation_ctx})

    def split_fields(self, paths: Sequence[str], name1: str, name2: str, **stage: Any) -> "DynamicFrameCollection":
        """A frame with these fields and one with the others."""
        return DynamicFrameCollection(
            {name1: self.select_fields(paths, **stage), name2: self.drop_fields(paths, **stage)}, self.glue_ctx
        )

    def split_rows(
        self, comparison_dict: Mapping[str, Mapping[str, Any]], name1: str, name2: str, **stage: Any
    ) -> "DynamicFrameCollection":
        """A frame with the records that compare so, {"age": {">": 10, "<": 20}}, and one with the others."""
        meets = splitting.comparison(self._schema, comparison_dict)
        parts = {name1: self._frame.where(meets), name2: self._frame.where(~F.coalesce(meets, F.lit(False)))}
        made = {name: self._like(frame, self._schema, stage) for name, frame in parts.items()}
        return DynamicFrameCollection(made, self.glue_ctx)

    def relationalize(
        self, root_table_name: str, staging_path: str | None = None, options: Any = None, **stage: Any
    ) -> "DynamicFrameCollection":
        """Flat frames: the root's, and one for each array. What is in between lies in the run's own folder, not in
        staging_path."""
        if options:
            raise ValueError("relationalize takes no options here.")
        tables = relational.relationalized(self._frame, self._schema, root_table_name)
        return DynamicFrameCollection(
            {name: self._like(frame, schema, stage) for name, frame, schema in tables}, self.glue_ctx
        )

    def spigot(self, path: str, options: Mapping[str, Any] | None = None, **stage: Any) -> "DynamicFrame":
        """Write a sample as JSON below an address, and go on: options topk (first records) or prob (of each record)."""
        options = options or {}
        sample = self._frame.sample(float(options["prob"])) if "prob" in options else self._frame
        sample = sample.limit(int(options["topk"])) if "topk" in options else sample
        self._like(sample, self._schema, {}).write("s3", {"path": path}, "json")
        return self._like(self._frame, self._schema, stage)

    def repartition(self, num_partitions: int, **stage: Any) -> "DynamicFrame":
        return self._like(self._frame.repartition(num_partitions), self._schema, stage)

    def coalesce(self, num_partitions: int, shuffle: bool = False, **stage: Any) -> "DynamicFrame":
        frame = self._frame.repartition(num_partitions) if shuffle else self._frame.coalesce(num_partitions)
        return self._like(frame, self._schema, stage)

    # Errors

    def errorsCount(self) -> int:
        return self._problems.total

    def stageErrorsCount(self) -> int:
        return self._problems.stage

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        """Records with an `error`: what was raised, and the record as text."""
        return DynamicFrame(self._problems.frame(), self.glue_ctx, "errors")

    def assertErrorThreshold(self) -> None:
        """Raise if there are more errors than the thresholds allow."""
        self._problems.check()

    # Writing

    def write(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        accumulator_size: int = 0,
    ) -> Any:
        from lakemill.glueetl import sinks

        sink = sinks.sink(self.glue_ctx, connection_type, format, connection_options or {}, format_options or {})
        return sink.writeFrame(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"DynamicFrame.{name} is not provided.")

    def _made(self, fields: Fields, stage: Mapping[str, Any]) -> "DynamicFrame":
        frame = self._frame.select([value.alias(name) for name, value, _ in fields] or [columns.nothing()])
        return self._like(frame, StructType(Field(name, type) for name, _, type in fields), stage)

    def _like(self, frame: DataFrame, schema: StructType, stage: Mapping[str, Any]) -> "DynamicFrame":
        name = _stage(stage)["transformation_ctx"] or self.name
        return DynamicFrame(frame, self.glue_ctx, name, schema, self._problems.at_next_stage())


class DynamicFrameCollection:
    """Frames by their names."""

    def __init__(self, dynamic_frames: Mapping[str, DynamicFrame], glue_ctx: Any = None) -> None:
        self._frames, self._glue_ctx = dict(dynamic_frames), glue_ctx

    def keys(self) -> Any:
        return self._frames.keys()

    def values(self) -> Any:
        return self._frames.values()

    def items(self) -> Any:
        return self._frames.items()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        return self._frames[key]

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._frames[key]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def map(self, callable: Callable[..., DynamicFrame], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """callable takes a frame and a context."""
        made = {name: callable(frame, transformation_ctx) for name, frame in self._frames.items()}
        return DynamicFrameCollection(made, self._glue_ctx)

    def flatmap(self, f: Callable[..., Any], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """f makes a frame or a collection of each; keys of collections come after the frame's name."""
        made: dict[str, DynamicFrame] = {}
        for name, frame in self._frames.items():
            result = f(frame, transformation_ctx)
            if isinstance(result, DynamicFrameCollection):
                made |= {f"{name}_{key}": one for key, one in result.items()}
            else:
                made[name] = result
        return DynamicFrameCollection(made, self._glue_ctx)


def _stage(given: Mapping[str, Any]) -> dict[str, Any]:
    """What every transform may be told about itself. Raises TypeError for anything else."""
    unknown = [name for name in given if name not in _STAGE]
    if unknown:
        raise TypeError(f"unexpected argument {unknown[0]!r}")
    return _STAGE | dict(given)


def _find(schema: StructType, path: str) -> paths.Path | None:
    """For methods whose own argument is called paths."""
    return paths.find(schema, path)


def _list(paths: Sequence[str] | str) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def _full(value: Any) -> Any:
    """Without what is null."""
    if isinstance(value, dict):
        return {name: _full(part) for name, part in value.items() if part is not None}
    return [_full(part) for part in value] if isinstance(value, list) else value
