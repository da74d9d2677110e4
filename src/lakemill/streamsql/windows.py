"""When a tumbling window ends.

The window is a rising expression of the GROUP BY list, `STEP(ROWTIME BY INTERVAL '60' SECOND)` mostly. A group is
complete when a row comes for which the expression has risen, or when the clock says that it must have.
"""

from dataclasses import dataclass

import pyarrow as pa

from lakemill.streamsql.expr import Expr
from lakemill.streamsql.frame import Frame, full
from lakemill.streamsql.rows import values_of
from lakemill.streamsql.sqltypes import TIMESTAMP


@dataclass(frozen=True)
class Window:
    """The rising expression, and whether it is ROWTIME itself."""

    expr: Expr
    is_rowtime: bool = False

    def at(self, time: int) -> int:
        """The expression's value for a row with this ROWTIME; only where it depends on nothing else."""
        return values_of(full(self.expr.run(Frame([pa.array([time], TIMESTAMP)], 1)), 1))[0]

    def passed(self, key, mark: int) -> bool:
        """Whether no row with ROWTIME >= `mark` can be in the window any more."""
        if self.is_rowtime:
            return mark > key
        if self.expr.boundary is not None:
            return mark >= self.expr.boundary(key)
        return self.expr.rowtime and self.at(mark) > key

    def end(self, key, last: int, mark: int) -> int:
        """ROWTIME of the results, once the window has passed: its last row was at `last`, none comes before `mark`."""
        if self.is_rowtime:
            return key
        if self.expr.boundary is not None:
            return self.expr.boundary(key)
        if not self.expr.rowtime:
            return mark
        low, high = last, mark
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.at(middle) > key else (middle, high)
        return high
