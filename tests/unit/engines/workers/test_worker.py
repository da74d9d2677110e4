"""A process that is spoken to in messages."""

import asyncio
import os
import signal
import textwrap

import pytest

from lakemill.engines.workers import Worker

ECHO = """
    import os, sys
    from lakemill.formats.answering import answer_all
    def answer(message):
        if message == "exit":
            print("leaving", file=sys.stderr, flush=True)
            os._exit(3)
        return {"heard": message, "knows": sorted(name for name in os.environ if name.startswith("MY_"))}
    answer_all("echo", answer)
"""


@pytest.fixture
async def worker(monkeypatch):
    monkeypatch.setenv("MY_SECRET", "x")
    one = await Worker.start(["-c", textwrap.dedent(ECHO)], 0, {"MY_OWN": "y"})
    yield one
    await one.kill()


async def test_it_answers_and_knows_only_what_it_was_given(worker):
    await worker.send([1, "two"])
    assert await worker.receive() == {"heard": [1, "two"], "knows": ["MY_OWN"]}
    await worker.kill(5.0)  # It ends by itself when its input does.
    assert not worker.alive and await worker.ending() == "ended with exit code 0"


async def test_it_says_how_it_ended(worker):
    await worker.send("exit")
    with pytest.raises(asyncio.IncompleteReadError):
        await worker.receive()
    assert await worker.ending() == "ended with exit code 3" and worker.last_line() == ": leaving"


async def test_it_says_when_it_was_killed(worker):
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await worker.send("hello")
        await worker.receive()
    assert await worker.ending() == "ended with signal SIGKILL"


async def test_one_that_is_not_understood_is_ended(worker):
    os.kill(worker.pid, signal.SIGSTOP)
    assert await worker.ending() == "was not understood any more"
    assert not worker.alive
