"""A disk that crashes at any byte, forgets what was not flushed, fails flushes and fills up; and a log that runs on it.

What a crash leaves: of each file what was flushed, and of the writes after that any part, in units of a few bytes; of
names, what was flushed, and the changes after that up to some moment. A flush that fails writes a part and forgets the
rest for good, though the running process still reads it.
"""

import errno
import random
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

UNIT_BYTES = 16


class Crash(BaseException):
    """The machine stops here."""


class Inode:
    def __init__(self) -> None:
        self.data = bytearray()
        """What the process reads."""
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes] | int] = []
        """Writes (offset, bytes) and truncations (size) that were not flushed."""

    def change(self, change, target) -> None:
        if isinstance(change, int):
            del target[change:]
            target.extend(bytes(change - len(target)))
        else:
            offset, data = change
            target.extend(bytes(max(0, offset - len(target))))
            target[offset : offset + len(data)] = data

    def settle(self, rng: random.Random) -> None:
        """Bring some of what is pending to the disk, forget the rest."""
        for change in self.pending:
            if isinstance(change, int):
                if rng.random() < 0.5:
                    self.change(change, self.durable)
                continue
            offset, data = change
            fate = rng.choice(["all", "nothing", "beginning", "pieces"])
            if fate == "all":
                self.change(change, self.durable)
            elif fate == "beginning":
                self.change((offset, data[: rng.randrange(len(data) + 1)]), self.durable)
            elif fate == "pieces":
                for at in range(0, len(data), UNIT_BYTES):
                    if rng.random() < 0.7:
                        self.change((offset + at, data[at : at + UNIT_BYTES]), self.durable)
        self.pending.clear()


class SimulatedFile:
    def __init__(self, disk: "SimulatedDisk", inode: Inode) -> None:
        self._disk, self._inode = disk, inode

    def write(self, offset, pieces):
        data = b"".join(pieces)
        inode = self._inode
        inside = max(0, len(inode.data) - offset)  # What is overwritten needs no room.
        room = self._disk.step(len(data), inside)
        part = (offset, bytes(data[:room]))
        inode.change(part, inode.data)
        inode.pending.append(part)
        self._disk.crash_if_due()
        if room < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def read(self, offset, size, *, wait=True):
        if not wait and self._disk.rng.random() < 0.1:
            raise BlockingIOError
        return bytes(self._inode.data[offset : offset + size])

    def view(self, offset, size, *, wait=True):
        return memoryview(self.read(offset, size, wait=wait))

    def sync(self):
        self._disk.step()
        inode = self._inode
        self._disk.crash_if_due()
        if self._disk.sync_fails():
            inode.settle(self._disk.rng)
            raise OSError(errno.EIO, "Input/output error")
        for change in inode.pending:
            inode.change(change, inode.durable)
        inode.pending.clear()

    def fileno(self):
        self._disk.opened.append(self)
        return len(self._disk.opened) - 1

    def truncate(self, size):
        self._disk.step()
        self._inode.change(size, self._inode.data)
        self._inode.pending.append(size)

    def size(self):
        return len(self._inode.data)

    def close(self):
        pass


class SimulatedDisk:
    """steps_left: so many changes until the crash. full: writes fail. failing: so many flushes will fail."""

    def __init__(self, rng: random.Random, names: dict[str, Inode | None] | None = None) -> None:
        self.rng = rng
        self.steps_left = 1 << 62
        self.full = False
        self.failing = 0
        self.failed = 0
        self.crashed = False
        self.opened: list[SimulatedFile] = []
        """By number."""
        self.has_syncs = False
        """Whether it syncs without a thread."""
        self._names: dict[str, Inode | None] = dict(names or {})
        """Of each path the file; None for a folder."""
        self._durable_names = dict(self._names)
        self._pending: list[tuple[str, dict[str, Inode | None]]] = []
        """Folder that was changed, and all names after the change."""

    def step(self, size: int = 0, inside: int = 0) -> int:
        """One more change; how many of these bytes are written. inside: how many need no more room."""
        if self.crashed:
            raise Crash
        self.steps_left -= 1
        if self.full and size > inside:
            return self.rng.randrange(inside, size)
        return self.rng.randrange(size + 1) if self.steps_left == 0 and size else size

    def crash_if_due(self) -> None:
        if self.steps_left <= 0:
            self.crashed = True
            raise Crash

    def sync_fails(self) -> bool:
        if self.failing:
            self.failing -= 1
            self.failed += 1
            return True
        return False

    def after_crash(self) -> "SimulatedDisk":
        """The disk as the next start finds it."""
        upto = self.rng.randrange(len(self._pending) + 1)
        names = self._pending[upto - 1][1] if upto else self._durable_names
        for inode in {id(one): one for one in names.values() if one}.values():
            inode.settle(self.rng)
            inode.data = bytearray(inode.durable)
        return SimulatedDisk(self.rng, names)

    def after_kill(self) -> "SimulatedDisk":
        """The disk as the next process finds it on the same machine: all is there, flushed or not."""
        again = SimulatedDisk(self.rng, self._names)
        again._durable_names, again._pending = self._durable_names, self._pending
        return again

    def _changed(self, folder: str) -> None:
        self._pending.append((folder, dict(self._names)))
        self.crash_if_due()

    def create(self, path):
        self.step()
        if self.full and self.rng.random() < 0.3:
            raise OSError(errno.ENOSPC, "No space left on device")
        inode = self._names.get(str(path))
        if inode is None:
            inode = self._names[str(path)] = Inode()
            self._changed(str(path.parent))
        else:
            inode.change(0, inode.data)
            inode.pending.append(0)
        return SimulatedFile(self, inode)

    def open(self, path):
        inode = self._names.get(str(path))
        if inode is None:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(path))
        return SimulatedFile(self, inode)

    def rename(self, old, new):
        self.step()
        if str(old) not in self._names:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(old))
        for path in self._at_or_under(old):
            self._names[str(new) + path.removeprefix(str(old))] = self._names.pop(path)
        self._changed(str(new.parent))

    def remove(self, path):
        self.step()
        if self._names.pop(str(path), self) is not self:
            self._changed(str(path.parent))

    def names(self, folder):
        prefix = f"{folder}/"
        return [path.removeprefix(prefix) for path in self._names if path.rpartition("/")[0] == str(folder)]

    def make_folder(self, folder):
        self.step()
        if str(folder) not in self._names:
            self._names[str(folder)] = None
            self._changed(str(folder.parent))

    def remove_folder(self, folder):
        self.step()
        for path in self._at_or_under(folder):
            del self._names[path]
            self._changed(path.rpartition("/")[0])

    def sync_folder(self, folder):
        self.step()
        self.crash_if_due()
        if self.sync_fails():
            raise OSError(errno.EIO, "Input/output error")
        last = max((i for i, (one, _) in enumerate(self._pending) if one == str(folder)), default=-1)
        if last >= 0:
            self._durable_names = self._pending[last][1]
            del self._pending[: last + 1]

    def syncs(self):
        return SimulatedSyncs(self) if self.has_syncs else None

    def _at_or_under(self, folder: Path) -> list[str]:
        return [path for path in self._names if path == str(folder) or path.startswith(f"{folder}/")]


class SimulatedSyncs:
    """Each sync happens at some later turn of the loop."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self._disk = disk
        self._begun: list = []

    def begin(self, fileno, loop, done):
        if self._disk.rng.random() < 0.1:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        self._begun.append((self._disk.opened[fileno], done))
        self.move(loop)

    def move(self, loop):
        loop.call_soon(self._some, loop)

    def finish(self):
        while self._begun:
            self._one()

    def close(self):
        assert not self._begun

    def _some(self, loop):
        if self._begun and not self._disk.crashed:
            if self._disk.rng.random() < 0.5:
                self.move(loop)
            else:
                self._one()

    def _one(self):
        file, done = self._begun.pop(0)
        try:
            file.sync()
        except OSError as error:
            done(error)
        else:
            done(None)


class AtOnce(ThreadPoolExecutor):
    """Does at once what it is handed, so that a history happens the same way each time."""

    def submit(self, work, /, *arguments, **options):
        future: Future = Future()
        try:
            future.set_result(work(*arguments, **options))
        except BaseException as error:
            future.set_exception(error)
        return future
