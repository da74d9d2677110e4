"""What a task run is told and what it leaves, in files of its folder.

task.json       Task, before it starts
outcome.json    Outcome, if it succeeded
failure         why it failed, in a line, for the task run's ErrorString
labels.csv      all labels there are then, if labels were imported
model           what was learned from them, as `FindMatches.save` writes it
"""

from typing import Literal

import msgspec

TASK, OUTCOME, FAILURE, LABELS, MODEL = "task.json", "outcome.json", "failure", "labels.csv", "model"

Kind = Literal["LABELING_SET_GENERATION", "IMPORT_LABELS", "EXPORT_LABELS", "EVALUATION"]


class Task(msgspec.Struct, kw_only=True):
    """What is to be done."""

    kind: Kind
    id: str
    database: str
    table: str
    columns: list[str]
    """The transform's schema: these are read, and label files have them."""
    parameters: dict[str, str | float | bool]
    """Of FindMatches."""
    place: str = ""
    """Where labels are taken from, or labels and questions go: s3://bucket/key, or s3://bucket/prefix/."""
    replace: bool = False
    """Labels there are already are forgotten."""
    labels: str = ""
    """The file of labels there are already; empty: none."""
    model: str = ""
    """The file of what was learned from them."""
    round: int = 0
    """How many times questions were asked before: each time others are asked."""
    memory_mib: int = 2048
    threads: int = 2


class Outcome(msgspec.Struct, kw_only=True):
    """What came of it."""

    label_count: int | None = None
    """Rows with a label."""
    metrics: dict[str, float | int] | None = None
    """The members of `matching.evaluation.Metrics` that are numbers."""
    importances: dict[str, float] | None = None
    """By column."""
    written: str = ""
    """The object that was written."""
