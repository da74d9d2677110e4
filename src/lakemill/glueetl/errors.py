"""Records for which a transform failed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl.sessions import session


class ThresholdPassed(RuntimeError):
    """More records failed than were allowed to."""


@dataclasses.dataclass(frozen=True)
class Problems:
    """stage: how many failed in the last transform; total: in all. A threshold of 0 is none.

    stage_max, total_max: the number of errors at which a transform fails.
    """

    stage: int = 0
    total: int = 0
    failed: tuple[DataFrame, ...] = ()
    stage_max: int = 0
    total_max: int = 0

    def with_more(self, failed: DataFrame, count: int, stage: Mapping[str, Any]) -> "Problems":
        """After another transform. Raises ThresholdPassed."""
        frames = (*self.failed, failed) if count else self.failed
        made = Problems(count, self.total + count, frames, int(stage["stageThreshold"]), int(stage["totalThreshold"]))
        made.check(strict=False)
        return made

    def at_next_stage(self) -> "Problems":
        """After a transform without errors."""
        return dataclasses.replace(self, stage=0)

    def check(self, *, strict: bool = True) -> None:
        """Raises ThresholdPassed. strict: no error is allowed where there is no threshold."""
        for count, most, which in ((self.stage, self.stage_max, "stage"), (self.total, self.total_max, "total")):
            if count >= most if most else strict and count:
                raise ThresholdPassed(f"{count} error records reach the {which} threshold of {most}.")

    def frame(self) -> DataFrame:
        """A struct `error` with `msg` and `record`, for each."""
        frames = [
            one.select(F.struct(F.col("error").alias("msg"), _text("failed")).alias("error")) for one in self.failed
        ]
        if not frames:
            return session().createDataFrame([], "error struct<msg: string, record: string>")  # type: ignore[return-value]
        found = frames[0]
        for one in frames[1:]:
            found = found.unionAll(one)
        return found


def _text(name: str) -> Any:
    return F.col(name).cast("string").alias("record")
