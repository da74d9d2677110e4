"""Writers that never rest and remember what was acknowledged, for the journeys through crashes.

Each writer owns its keys, so there is one truth for each of them: what was acknowledged last, and the one thing that
was asked and not answered when the platform died. `step` does one thing; `check` compares everything after a restart.
"""

import random
import threading
import time

import botocore.exceptions

GONE = (
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ResponseStreamingError,
)


def content(spec):
    """The bytes of (seed, size)."""
    return random.Random(spec[0]).randbytes(spec[1])


class Writer:
    """One client's loop."""

    rest_s = 0.0

    def __init__(self, seed, **options):
        self.draw = random.Random(seed)
        self.pending = None
        self.acknowledged = 0
        for name, value in options.items():
            setattr(self, name, value)

    def connect(self, lakemill):
        """Clients of a platform that has just started; the first time makes what is needed."""

    def step(self):
        """One write, noted in pending before and in the truth after."""
        raise NotImplementedError

    def check(self):
        """Everything there is, against the truth; settles what was pending."""
        raise NotImplementedError

    def spec(self, sizes):
        return self.draw.getrandbits(32), self.draw.choice(sizes)


class Load:
    """All writers at once, each in a thread."""

    def __init__(self, *writers):
        self.writers = writers
        self.faults = []

    def connect(self, lakemill):
        for writer in self.writers:
            writer.connect(lakemill)

    def go(self):
        self._halt = False
        self._threads = [threading.Thread(target=self._run, args=(writer,)) for writer in self.writers]
        for thread in self._threads:
            thread.start()

    def halt(self):
        """Wait for all to notice; they stop by themselves when the platform is gone."""
        self._halt = True
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request hangs"
        assert self.faults == []

    def _run(self, writer):
        try:
            while not self._halt:
                writer.pending = None
                writer.step()
                writer.pending = None
                writer.acknowledged += 1
                time.sleep(writer.rest_s)
        except GONE:
            pass
        except Exception as fault:
            self.faults.append((type(writer).__name__, writer.pending, fault))

    def check(self):
        for writer in self.writers:
            writer.check()
            writer.pending = None
