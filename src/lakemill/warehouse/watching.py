"""Whether changes of tables are noted (`Store.note`): only materialized views need that, and a warehouse may have none.

Who makes the first one may not miss what is being committed without a note: it waits until that has ended, and looks at
the tables after it.
"""

import threading


class Watch:
    """Threads use it at the same time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._on: bool | None = None
        self._passing = 0

    @property
    def known(self) -> bool:
        """Whether somebody has said if there are materialized views."""
        return self._on is not None

    def tell(self, some: bool) -> None:
        """Say whether there are any; it counts if nobody has said it before."""
        with self._changed:
            if self._on is None:
                self._on = some

    @property
    def settled(self) -> bool:
        """Whether everything that is committed from now on is noted."""
        with self._changed:
            return bool(self._on) and not self._passing

    def start(self) -> None:
        """From now on changes are noted; returns when nothing is being committed without a note."""
        with self._changed:
            self._on = True
            while self._passing:
                self._changed.wait()

    def enter(self) -> bool:
        """A commit begins, which `leave` ends: whether it has to note what it has changed."""
        with self._changed:
            self._passing += not self._on
            return bool(self._on)

    def leave(self, noting: bool) -> None:
        """The commit has ended; noting: what `enter` said."""
        if not noting:
            with self._changed:
                self._passing -= 1
                self._changed.notify_all()
