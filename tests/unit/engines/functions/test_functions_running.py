"""Functions in processes: what they answer, how they end, what is left of them."""

import asyncio
import json
import time

import psutil
import pytest
from tests.unit.engines.functions.conftest import FIELDS

from lakemill.engines.functions import FunctionFailed, FunctionMissing, FunctionThrottled, FunctionTimeout, zipped

SCOPE = "000000000000/us-east-1"
CODE = b"""
import logging, os, sys, threading, time
loaded = time.time()
calls = 0

def handler(event, context):
    global calls
    calls += 1
    kind = event.get("do")
    if kind == "print":
        print("one\\ntwo")
        print("without an end ", end="", flush=True)
        sys.stderr.write("error line\\n")
        os.write(1, b"from below\\n")
        logging.getLogger().warning("careful")
    if kind == "raise":
        return {}["missing"]
    if kind == "exit":
        sys.exit(3)
    if kind == "die":
        os._exit(4)
    if kind == "sleep":
        time.sleep(event["s"])
    if kind == "fill":
        held = b"x" * (400 << 20)
        time.sleep(5)
    if kind == "set":
        return {1}
    if kind == "large":
        return "x" * 6291556
    return {"pid": os.getpid(), "calls": calls, "left": context.get_remaining_time_in_millis(), "args": sys.argv}
"""


async def gone(pid):
    """Wait for the end of a process."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        await asyncio.sleep(0.05)
    pytest.fail("it is still there")


@pytest.fixture
async def f(functions):
    """Invoke the function `f`."""
    await functions.create(SCOPE, "f", zipped({"app.py": CODE}), FIELDS)

    async def run(**event):
        return await functions.run(functions.find(SCOPE, "f"), json.dumps(event).encode())

    return run


async def test_a_worker_answers_again_and_again(f):
    first, second = json.loads((await f()).payload), json.loads((await f()).payload)
    assert first["pid"] == second["pid"]
    assert (first["calls"], second["calls"]) == (1, 2)
    assert 0 < first["left"] <= 5000


async def test_the_first_invocation_tells_how_long_loading_took(f):
    first, second = await f(), await f()
    assert first.init_ms > 0
    assert second.init_ms is None


async def test_two_at_once_have_a_worker_each(f):
    both = await asyncio.gather(f(do="sleep", s=0.2), f(do="sleep", s=0.2))
    assert len({json.loads(one.payload)["pid"] for one in both}) == 2


async def test_all_that_is_printed_is_in_the_log_in_order(f, functions, loglines):
    outcome = await f(do="print")
    assert outcome.log[0].startswith("START RequestId: ")
    assert outcome.log[1:5] == ["one", "two", "without an end error line", "from below"]
    assert outcome.log[5].endswith(f"\t{outcome.request_id}\tcareful")
    assert outcome.log[6].startswith("END RequestId: ")
    assert "Max Memory Used" in outcome.log[7]
    await functions.close()
    (stream,) = loglines.streams(SCOPE, "/functions/f")
    kept = loglines.read(SCOPE, "/functions/f", stream["name"]).events
    assert [event.message for event in kept] == outcome.log


async def test_an_exception_is_told_with_the_users_own_stack(f):
    outcome = await f(do="raise")
    document = json.loads(outcome.payload)
    assert outcome.kind == "failed"
    assert (document["errorType"], document["errorMessage"]) == ("KeyError", "'missing'")
    assert len(document["stackTrace"]) == 1
    assert "in handler" in document["stackTrace"][0]
    assert (await f()).kind == "answered", "the worker lives on"


@pytest.mark.parametrize(("event", "status"), [("exit", "exit status 3"), ("die", "exit status 4")])
async def test_a_process_that_ends_is_told_and_replaced(f, event, status):
    outcome = await f(do=event)
    assert outcome.kind == "exited"
    assert outcome.message.endswith(f"Runtime exited with error: {status}")
    assert json.loads(outcome.payload)["errorType"] == "Runtime.ExitError"
    assert (await f()).kind == "answered"


async def test_a_function_that_takes_too_long_is_ended(functions):
    await functions.create(SCOPE, "slow", zipped({"app.py": CODE}), FIELDS | {"timeout_s": 1})
    began = time.monotonic()
    outcome = await functions.run(functions.find(SCOPE, "slow"), b'{"do": "sleep", "s": 60}')
    assert outcome.kind == "timeout"
    assert time.monotonic() - began < 30
    assert "Task timed out after 1.00 seconds" in json.loads(outcome.payload)["errorMessage"]
    with pytest.raises(FunctionTimeout):
        await functions.invoke(SCOPE, "slow", b'{"do": "sleep", "s": 60}', timeout_s=0.2)


async def test_a_function_that_takes_too_much_memory_is_ended(f):
    outcome = await f(do="fill")
    assert outcome.kind == "memory"
    assert json.loads(outcome.payload)["errorMessage"].endswith("signal: killed")


@pytest.mark.parametrize(
    ("event", "kind"), [("set", "Runtime.MarshalError"), ("large", "Function.ResponseSizeTooLarge")]
)
async def test_a_result_that_cannot_be_sent_is_a_failure(f, event, kind):
    assert (await f(do=event)).error_type == kind


@pytest.mark.parametrize(
    ("files", "handler", "kind"),
    [
        ({"app.py": b"import nothing_of_this_name"}, "app.handler", "Runtime.ImportModuleError"),
        ({"other.py": b""}, "app.handler", "Runtime.ImportModuleError"),
        ({"app.py": b"def handler("}, "app.handler", "Runtime.UserCodeSyntaxError"),
        ({"app.py": b"x = 1"}, "app.handler", "Runtime.HandlerNotFound"),
        ({"app.py": b"x = 1"}, "handler", "Runtime.MalformedHandlerName"),
        ({"app.py": b"1 / 0"}, "app.handler", "ZeroDivisionError"),
        ({"app.py": b"import os; os._exit(9)"}, "app.handler", "Runtime.ExitError"),
    ],
)
async def test_code_that_cannot_be_loaded_says_why(functions, files, handler, kind):
    await functions.create(SCOPE, "broken", zipped(files), FIELDS | {"handler": handler})
    outcome = await functions.run(functions.find(SCOPE, "broken"), b"{}")
    assert outcome.kind != "answered"
    assert json.loads(outcome.payload)["errorType"] == kind


async def test_new_code_is_used_at_once(f, functions):
    await f()
    await functions.update(SCOPE, "f", {}, zipped({"app.py": b"def handler(e, c): return 'new'"}))
    assert (await f()).payload == b'"new"'


async def test_an_idle_worker_ends(f):
    pid = json.loads((await f()).payload)["pid"]
    await gone(pid)


async def test_no_more_workers_than_reserved(f, functions):
    await functions.reserve(SCOPE, "f", 1)
    slow = asyncio.create_task(f(do="sleep", s=0.5))
    await asyncio.sleep(0.05)
    with pytest.raises(FunctionThrottled):
        await f()
    assert (await slow).kind == "answered"


async def test_invoke_gives_the_answer_or_raises(functions):
    await functions.create(SCOPE, "g", zipped({"app.py": CODE}), FIELDS)
    assert json.loads(await functions.invoke(SCOPE, "g", b"{}"))["calls"] == 1
    with pytest.raises(FunctionFailed, match="KeyError: 'missing'"):
        await functions.invoke(SCOPE, "arn:aws:lambda:us-east-1:000000000000:function:g", b'{"do": "raise"}')
    with pytest.raises(FunctionMissing):
        await functions.invoke(SCOPE, "nobody", b"{}")


async def test_a_worker_ends_when_the_platform_closes(f, functions):
    pid = json.loads((await f()).payload)["pid"]
    await functions.close()
    await gone(pid)
