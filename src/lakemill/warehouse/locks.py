"""Locks of tables: who writes to one holds it until the end of the transaction, as in Redshift."""

import threading
from collections.abc import Callable, Iterable

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.watching import Watch


class Locks:
    """Holders are numbers of sessions, things that are held are numbers of tables."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: dict[int, int] = {}
        self._wants: dict[int, int] = {}
        self._moves = 0
        self.watch = Watch()
        self._moved: dict[int, int] = {}

    def now(self) -> int:
        """A point in time, by which `take` knows what a transaction can see."""
        with self._changed:
            return self._moves

    def take(self, who: int, tables: Iterable[int], since: int, stopped: Callable[[], None]) -> bool:
        """Hold these tables; whether none was written to since a point in time.

        stopped is called while it waits, and may raise. Raises SqlFailed 40P01 for who would wait for itself.
        """
        wanted = sorted(set(tables))
        with self._changed:
            for table in wanted:
                while self._holder.get(table, who) != who:
                    self._wants[who] = table
                    try:
                        if self._circle(who):
                            raise SqlFailed("40P01", "deadlock detected")
                        self._changed.wait(0.2)
                        stopped()
                    finally:
                        del self._wants[who]
                self._holder[table] = who
            return all(self._moved.get(table, 0) <= since for table in wanted)

    def free(self, who: int, written: bool) -> None:
        """End of a transaction; written: what it held was changed."""
        with self._changed:
            held = [table for table, holder in self._holder.items() if holder == who]
            if not held:
                return
            self._moves += written
            for table in held:
                del self._holder[table]
                if written:
                    self._moved[table] = self._moves
            self._changed.notify_all()

    def holders(self) -> dict[int, int]:
        """Who holds which table."""
        with self._changed:
            return dict(self._holder)

    def _circle(self, who: int) -> bool:
        at = who
        while at in self._wants:
            holder = self._holder.get(self._wants[at])
            if holder is None or holder == who:
                return holder == who
            at = holder
        return False
