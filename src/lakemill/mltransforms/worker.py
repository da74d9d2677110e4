"""The process of a task run: python -m lakemill.mltransforms.worker FOLDER

What it is told and what it leaves is in interface.py. It asks lakemill over the API with the keys of the transform's
role, so it goes on while lakemill starts again. All it prints is for the log.
"""

import sys
import traceback
from pathlib import Path

import msgspec

from lakemill.mltransforms.interface import FAILURE, OUTCOME, TASK, Outcome, Task


def main(folder: Path) -> int:
    """Do the task of a folder; the exit code."""
    task = msgspec.json.decode((folder / TASK).read_bytes(), type=Task)
    print(f"{task.kind} {task.id}", flush=True)
    try:
        outcome = _done(task, folder)
    except Exception as error:
        (folder / FAILURE).write_text(_why(error), encoding="utf-8")
        return 1
    (folder / OUTCOME).write_bytes(msgspec.json.encode(outcome))
    return 0


def _done(task: Task, folder: Path) -> Outcome:
    from lakemill.mltransforms.lake import RoleLake
    from lakemill.mltransforms.tasks import DEEDS, Doing

    return DEEDS[task.kind](Doing(task, RoleLake(folder / "fetched"), folder, _say))


def _say(line: str) -> None:
    print(line, flush=True)


def _why(error: Exception) -> str:
    """For whoever started it; what is an error of ours goes to the log as well."""
    from lakemill.lakesql.errors import SqlFailed
    from lakemill.lakesql.interface import LakeRefused
    from lakemill.matching.errors import MatchingError
    from lakemill.mltransforms.reading import TaskFailed

    if isinstance(error, LakeRefused):
        return f"{error.code}: {error.message}"
    if isinstance(error, MemoryError):
        return "The task needs more memory than there is."
    if not isinstance(error, SqlFailed | MatchingError | TaskFailed):
        traceback.print_exception(error)
        return f"Internal service error: {type(error).__name__}: {error}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
