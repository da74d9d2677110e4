"""Documents of objects that transactions share, so that a name is not looked up in the file each time.

A transaction may use it while it has changed no object itself, and sees the state that the cache is of: nobody was
committing changes of objects when its view of the file began, nor has since the cache began.
"""

import threading


class Cache:
    """Threads use it at the same time. Values are texts of documents, or None for what there is not."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._version = 0
        self._committing = 0
        self._of = -1
        self._values: dict[tuple[str, ...], str | None] = {}

    def version(self) -> int:
        """What there is now; -1 while somebody commits changes of objects."""
        with self._turn:
            return -1 if self._committing else self._version

    def committing(self) -> None:
        """Somebody begins to commit such changes; `committed` follows."""
        with self._turn:
            self._committing += 1
            self._version += 1

    def committed(self) -> None:
        """The commit has ended, however."""
        with self._turn:
            self._committing -= 1
            self._version += 1

    def get(self, version: int, key: tuple[str, ...]) -> tuple[bool, str | None]:
        """Whether it is known for that version, and its value."""
        with self._turn:
            if version < 0 or self._of != version or key not in self._values:
                return False, None
            return True, self._values[key]

    def put(self, version: int, key: tuple[str, ...], value: str | None) -> None:
        """Remember a value of that version, unless there is a newer one."""
        with self._turn:
            if version < 0 or version < self._of or version != self._version or self._committing:
                return
            if self._of != version:
                self._of, self._values = version, {}
            self._values[key] = value
