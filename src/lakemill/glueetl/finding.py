"""FindMatches and FindIncrementalMatches, as scripts know them from awsglueml.transforms.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-findmatches.html
"""

import pyarrow as pa
import pyarrow.parquet

from lakemill.glueetl import materialising, objects
from lakemill.glueetl.dynamicframe import DynamicFrame
from lakemill.glueetl.transforms import GlueTransform
from lakemill.mltransforms import applying, pulling


class FindMatches(GlueTransform):
    """The frame with `match_id`, equal for records that mean the same thing."""

    def __call__(
        self,
        frame: DynamicFrame,
        transformId: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        enforcedMatches: DynamicFrame | None = None,
        computeMatchConfidenceScores: bool = False,
    ) -> DynamicFrame:
        """computeMatchConfidenceScores: adds `match_confidence_score`, how sure the group is."""
        if enforcedMatches is not None:
            raise ValueError("enforcedMatches is not supported: import the matches as labels of the transform.")
        found = applying.find_matches(_table(frame), pulling.matcher(transformId), scores=computeMatchConfidenceScores)
        return _frame(found, frame, transformation_ctx)


class FindIncrementalMatches(GlueTransform):
    """A frame whose matches are known, and new records with the ids of those that they match."""

    def __call__(
        self,
        existingFrame: DynamicFrame,
        incrementalFrame: DynamicFrame,
        transformId: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        enforcedMatches: DynamicFrame | None = None,
        computeMatchConfidenceScores: bool = False,
    ) -> DynamicFrame:
        if enforcedMatches is not None or computeMatchConfidenceScores:
            raise ValueError("FindIncrementalMatches takes no enforcedMatches and computes no scores.")
        matcher = pulling.matcher(transformId)
        found = applying.find_incremental_matches(_table(existingFrame), _table(incrementalFrame), matcher)
        return _frame(found, existingFrame, transformation_ctx)


def _table(frame: DynamicFrame) -> pa.Table:
    """All rows; matching needs them in one place."""
    return frame.toDF().toArrow()


def _frame(table: pa.Table, like: DynamicFrame, name: str) -> DynamicFrame:
    path = objects.scratch("matches") / "rows.parquet"
    pa.parquet.write_table(table, path)
    return DynamicFrame(materialising.read(path), like.glue_ctx, name or like.name)
