"""What the tasks of a transform do: ask for labels, take labels and learn, hand labels out, measure.

`matching.FindMatches` loads when it is first used, which a task that fails before, or needs none, does not pay for.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lakemill import matching
from lakemill.matching import labels
from lakemill.matching.errors import LabelError
from lakemill.matching.labels import LABEL, SET
from lakemill.mltransforms import reading
from lakemill.mltransforms.interface import LABELS, MODEL, Outcome, Task
from lakemill.mltransforms.lake import RoleLake

SETS, ROWS = 10, 10
"""Of one round of questions: about a hundred rows."""
TELL_S = 2.0

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Doing:
    """A task at work. folder: the task run's own. say: a line for the log."""

    task: Task
    lake: RoleLake
    folder: Path
    say: Say

    def rows(self) -> pa.Table:
        """The table. Raises SqlFailed, LakeRefused."""
        self.say(f"Reading {self.task.database}.{self.task.table}.")
        found = reading.table(self.task, self.lake, self.folder / "read")
        self.say(f"{found.num_rows} records.")
        return found

    def matcher(self) -> "matching.FindMatches":
        """One that has learned nothing, or what was learned, with the dials as they stand."""
        wanted = self.task.parameters
        if not self.task.model:
            return matching.FindMatches(**wanted)  # type: ignore[arg-type]
        return matching.FindMatches.load(self.task.model).set_params(**wanted)

    def known(self) -> pa.Table | None:
        """All labels there are already."""
        if not self.task.labels:
            return None
        return labels.read_rows(self.task.labels, self.key)

    @property
    def key(self) -> str:
        return str(self.task.parameters["primary_key"])

    def progress(self) -> Callable[[str, float], None]:
        """For matchers: tells how far they are, now and then."""
        told = [time.monotonic()]

        def tell(what: str, part: float) -> None:
            if time.monotonic() - told[0] >= TELL_S:
                told[0] = time.monotonic()
                self.say(f"{what}: {part:.0%}")

        return tell


def generate(doing: Doing) -> Outcome:
    """Write rows that are worth labelling."""
    task = doing.task
    rows = doing.rows()
    matcher = doing.matcher().set_params(random_state=task.round)
    asked = matcher.labeling_sets(rows, SETS, ROWS, doing.progress())
    # Sets of different rounds come together one day, so their names must differ.
    names = pc.binary_join_element_wise(task.id[4:12], asked.column(SET), "-")
    asked = asked.set_column(0, SET, names)
    place = _written(task)
    doing.lake.put(labels.write(asked), place)
    doing.say(f"{asked.num_rows} rows in {len(pc.unique(names))} labeling sets: {place}")
    return Outcome(written=place)


def take(doing: Doing) -> Outcome:
    """Take labels from files, join them with those there are, and learn from them all."""
    task, known = doing.task, None if doing.task.replace else doing.known()
    for uri, data in reading.label_files(task.place, doing.lake):
        try:
            rows = reading.as_columns(labels.read_rows(data, doing.key, task.columns), [SET, LABEL, *task.columns])
        except LabelError as wrong:
            raise reading.TaskFailed(f"{uri}: {wrong}") from None
        known = rows if known is None else labels.merged(known, rows)
    assert known is not None
    known = reading.as_columns(known, [SET, LABEL, *task.columns])
    count = known.num_rows - known.column(LABEL).null_count
    pairs = matching.Labels.of_sets(known, doing.key)
    doing.say(f"{count} labels say whether {len(pairs)} pairs match.")
    matcher = matching.FindMatches(**task.parameters).fit(doing.rows(), pairs, doing.progress())  # type: ignore[arg-type]
    matcher.save(doing.folder / MODEL)
    labels.write(known, doing.folder / LABELS)
    doing.say("The transform has learned from them.")
    return Outcome(label_count=count)


def export(doing: Doing) -> Outcome:
    """Write all labels there are."""
    place = _written(doing.task)
    doing.lake.put(Path(doing.task.labels).read_bytes(), place)
    doing.say(f"Labels: {place}")
    return Outcome(written=place)


def evaluate(doing: Doing) -> Outcome:
    """Measure on the labels, those that were learned from judged by fits without them."""
    known = doing.known()
    assert known is not None
    found = doing.matcher().evaluate(doing.rows(), matching.Labels.of_sets(known, doing.key))
    figures = dataclasses.asdict(found)
    importances = figures.pop("column_importances")
    doing.say(f"Precision {found.precision:.4f}, recall {found.recall:.4f}, F1 {found.f1:.4f}.")
    return Outcome(metrics=figures, importances=importances)


DEEDS: dict[str, Callable[[Doing], Outcome]] = {
    "LABELING_SET_GENERATION": generate,
    "IMPORT_LABELS": take,
    "EXPORT_LABELS": export,
    "EVALUATION": evaluate,
}


def _written(task: Task) -> str:
    """The object that is written: the place itself if it is a .csv file, else one of the task run's name below it."""
    return task.place if task.place.endswith(".csv") else f"{task.place.rstrip('/')}/{task.id}.csv"
