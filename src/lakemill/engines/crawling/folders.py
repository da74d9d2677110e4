"""The folders below a target, each with a summary of its files: their number and bytes, and some to look at.

Objects come in the order of their keys, a page at a time, so memory grows with the folders and not with the objects.
What data tools hide is left out: empty objects, names that begin with a dot or an underscore (`_year=2024` is none of
those), Hadoop's markers of folders, and what is archived.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from lakemill.engines.objects import Listed

FILES_MAX = 8
"""Files of a folder that are kept to be looked at, of each ending."""
ENDINGS_MAX = 8
DEPTH_MAX = 64
_HIDDEN = (".", "_")
_ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}
Place = tuple[str, int]
"""Key and bytes of a file."""


class Files:
    """The first and the last files of one ending."""

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first: list[Place] = []
        self.last: deque[Place] | None = None

    def add(self, place: Place) -> None:
        if len(self.first) < FILES_MAX // 2:
            self.first.append(place)
        else:
            self.last = self.last if self.last is not None else deque(maxlen=FILES_MAX // 2)
            self.last.append(place)

    def all(self) -> list[Place]:
        return [*self.first, *(self.last or ())]


class Folder:
    """One folder. path: the keys' prefix, with its slash."""

    __slots__ = ("bytes", "children", "count", "files", "name", "path")

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self.children: dict[str, Folder] = {}
        self.count = self.bytes = 0
        self.files: dict[str, Files] = {}

    def add(self, key: str, name: str, size: int) -> None:
        self.count += 1
        self.bytes += size
        ending = _ending(name)
        files = self.files.get(ending)
        if files is None:
            if len(self.files) >= ENDINGS_MAX:
                files = next(iter(self.files.values()))
            else:
                files = self.files[ending] = Files()
        files.add((key, size))

    def child(self, name: str) -> "Folder":
        found = self.children.get(name)
        if found is None:
            found = self.children[name] = Folder(name, f"{self.path}{name}/")
        return found

    def samples(self, limit: int) -> list[Place]:
        """Some files to look at: of every ending, from both ends of the names' order."""
        kept: list[Place] = []
        each = max(1, limit // max(1, len(self.files)))
        for files in self.files.values():
            kept += spread(files.all(), each)
        return kept[:limit]

    def walk(self) -> Iterator["Folder"]:
        """It and all below it."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += one.children.values()


def spread(places: list[Place], limit: int) -> list[Place]:
    """So many of a list, the first and the last among them.

    >>> spread([("a", 1), ("b", 1), ("c", 1)], 2)
    [('a', 1), ('c', 1)]
    """
    if len(places) <= limit:
        return places
    if limit == 1:
        return places[-1:]
    return [places[round(number * (len(places) - 1) / (limit - 1))] for number in range(limit)]


class Tree:
    """The folders of one target as they are filled. left_out: whether a path below the target is not wanted."""

    def __init__(self, name: str, prefix: str, left_out: Callable[[str], bool]) -> None:
        self.root = Folder(name, prefix)
        self._left_out = left_out
        self._last_path, self._last = prefix, self.root
        self.objects = self.excluded = 0

    def take(self, records: Iterable[Listed]) -> None:
        """Sum a page of objects up."""
        cut = len(self.root.path)
        for record in records:
            key, size = record.key, record.size
            below = key[cut:]
            self.objects += 1
            if not size or record.storage_class in _ARCHIVED or _hidden(below):
                continue
            if self._left_out(below):
                self.excluded += 1
                continue
            start = key.rfind("/") + 1
            self._folder(key[:start]).add(key, key[start:], size)

    def _folder(self, path: str) -> Folder:
        if path != self._last_path:
            folder = self.root
            for name in path[len(self.root.path) :].split("/", DEPTH_MAX)[:-1]:
                folder = folder.child(name)
            self._last_path, self._last = path, folder
        return self._last


def _ending(name: str) -> str:
    """The last two parts of a file's name after dots, as far as they look like endings, in lower case.

    >>> _ending("Part-1.CSV.gz"), _ending("part-1.0"), _ending("2024.01.json")
    ('.csv.gz', '', '.json')
    """
    rest, dot, last = name.rpartition(".")
    if not (dot and last[:1].isalpha() and last.isascii() and last.isalnum()):
        return ""
    _, dot, before = rest.rpartition(".")
    if dot and before[:1].isalpha() and before.isascii() and before.isalnum():
        return f".{before}.{last}".lower()
    return f".{last}".lower()


def _hidden(path: str) -> bool:
    if path.endswith("_$folder$"):
        return True
    if not (path[:1] in _HIDDEN or "/." in path or "/_" in path):
        return False
    return any(name.startswith(".") or (name.startswith("_") and "=" not in name) for name in path.split("/"))
