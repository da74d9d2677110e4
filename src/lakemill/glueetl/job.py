"""Job, as scripts know it from awsglue.job: its bookmark."""

from collections.abc import Mapping
from typing import Any

from lakemill.glueetl import bookmarks


class Job:
    """init reads the job's bookmark, commit saves what sources with a transformation_ctx have read since."""

    def __init__(self, glue_context: Any) -> None:
        self._context = glue_context
        self._begun = False

    @classmethod
    def isInitialized(cls) -> bool:
        return cls._active

    def init(self, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """args: as getResolvedOptions gives them."""
        given = args or {}
        option = given.get("job_bookmark_option") or "job-bookmark-disable"
        bookmarks.begin(option, given.get("job_bookmark_from"), given.get("job_bookmark_to"))
        self._begun = Job._active = True

    def commit(self) -> None:
        if not self._begun:
            raise RuntimeError("Job.commit was called before Job.init.")
        bookmarks.commit()

    _active = False
