"""Rows that DDL answers with, as the text that Athena stores."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lakemill.lakesql.interface import Column, Outcome


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
        path.write_text("".join(f"{line}\n" for line in self.lines))
        return Outcome(
            kind=self.kind,
            substatement=self.substatement,
            form="txt",
            columns=[Column(name, "string") for name in self.columns],
            rows=len(self.lines),
            result=str(path),
        )
