"""Rows that DDL answers with, as the text that Athena stores."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lakemill.lakesql.interface import Column, Outcome
from lakemill.lakesql.results import write_lines


@dataclasses.dataclass
class Result:
    """substatement: Athena's name of the kind. lines: of the answer, fields separated by tabs."""

    substatement: str
    columns: Sequence[str] = ()
    lines: Sequence[str] = ()
    kind: str = "DDL"

    def outcome(self, folder: str) -> Outcome:
        """Leave the answer in the folder."""
        path = Path(folder, "result.txt")
        write_lines(list(self.lines), path)
        return Outcome(
            kind=self.kind,
            substatement=self.substatement,
            form="txt",
            columns=[Column(name, "string") for name in self.columns],
            rows=len(self.lines),
            result=str(path),
        )
