"""The serving application around a predictor that does as it is told."""

import asyncio
import threading
import time

import pytest

from lakemill.algorithms.contract import InferenceError, InferenceRequest, InferenceResponse
from lakemill.container.http import HttpRequest, HttpResponse
from lakemill.container.serve import Application, body_bytes_max


class Obedient:
    """Answers the body; `refuse`, `break` and `sleep` do what they say."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.release = threading.Event()

    def invoke(self, request: InferenceRequest) -> InferenceResponse:
        self.threads.append(threading.current_thread().name)
        if request.body == b"refuse":
            raise InferenceError(406, "not this one")
        if request.body == b"break":
            raise ZeroDivisionError("a secret of the model")
        if request.body == b"sleep":
            self.release.wait(5)
        return InferenceResponse(request.body, request.accept or "text/csv")

    def execution_parameters(self) -> dict:
        return {"MaxConcurrentTransforms": 3}


@pytest.fixture
def predictor() -> Obedient:
    return Obedient()


@pytest.fixture
def application(predictor: Obedient):
    made = Application(predictor)
    yield made
    predictor.release.set()
    made.close()


async def ask(application: Application, method: str, target: str, body: bytes = b"", **headers: str) -> HttpResponse:
    answer: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
    application.handle(HttpRequest(method, target, headers, body), answer.set_result)
    return await asyncio.wait_for(answer, 5)


async def test_ping_invocations_and_execution_parameters(application: Application) -> None:
    assert (await ask(application, "GET", "/ping")).status == 200
    answer = await ask(application, "POST", "/invocations", b"1,2", accept="application/json")
    assert (answer.status, answer.body, answer.content_type) == (200, b"1,2", "application/json")
    assert (await ask(application, "GET", "/execution-parameters")).body == b'{"MaxConcurrentTransforms": 3}'


async def test_other_paths_are_404_and_other_methods_405(application: Application) -> None:
    assert (await ask(application, "GET", "/models")).status == 404
    assert (await ask(application, "GET", "/invocations")).status == 405


async def test_a_refusal_keeps_its_status_and_text(application: Application) -> None:
    answer = await ask(application, "POST", "/invocations", b"refuse")
    assert (answer.status, answer.body) == (406, b"not this one")


async def test_an_unexpected_error_is_500_and_tells_only_the_log(
    application: Application, capsys: pytest.CaptureFixture
) -> None:
    answer = await ask(application, "POST", "/invocations", b"break")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "ZeroDivisionError: a secret of the model" in capsys.readouterr().err


async def test_ping_answers_while_a_prediction_runs(application: Application, predictor: Obedient) -> None:
    slow = asyncio.ensure_future(ask(application, "POST", "/invocations", b"sleep"))
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    assert (await ask(application, "GET", "/ping")).status == 200
    assert time.perf_counter() - began < 1
    predictor.release.set()
    assert (await slow).status == 200


async def test_quick_small_requests_are_answered_on_the_loop_and_large_ones_are_not(
    application: Application, predictor: Obedient
) -> None:
    for body in (b"first", b"second", b"x" * 5000):
        await ask(application, "POST", "/invocations", body)
    assert predictor.threads[0].startswith("predict")
    assert predictor.threads[1] == threading.current_thread().name
    assert predictor.threads[2].startswith("predict")


def test_the_body_limit_follows_the_environment() -> None:
    assert body_bytes_max({}) == 6_291_456
    assert body_bytes_max({"MAX_CONTENT_LENGTH": "10"}) == 10
    assert body_bytes_max({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "20"}) == 20 << 20
    assert body_bytes_max({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}) == 100 << 20
