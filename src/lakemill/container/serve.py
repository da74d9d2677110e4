"""Host a trained model: load it once, answer /ping, /invocations and /execution-parameters, drain on SIGTERM.

Predictions run one at a time. A small request whose predecessor took under a millisecond is answered on the event loop
itself, because handing it to a thread and back would cost as much as the work; all others go to one worker thread, so
that /ping answers while a long prediction runs.
"""

import asyncio
import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from lakemill.algorithms.contract import InferenceError, InferenceRequest, Predictor
from lakemill.algorithms.errors import AlgorithmFailure
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.container.entrypoint import load_function
from lakemill.container.http import HttpConnection, HttpRequest, HttpResponse, Reply
from lakemill.container.layout import Layout

_INLINE_BODY_BYTES = 4096
_INLINE_COST_S = 0.001
_DRAIN_S = 25.0  # The platform kills 30 s after SIGTERM.
_BODY_BYTES_MAX = 6_291_456


def serve(spec: AlgorithmSpec, environment: Mapping[str, str] = os.environ) -> int:
    """Serve until SIGTERM. Returns the exit code: 0 after draining, 1 if model or port cannot be had."""
    layout = Layout.from_environment(environment)
    try:
        predictor = load_function(spec.serve)(layout.model, environment)
    except Exception as wrong:
        if not isinstance(wrong, AlgorithmFailure):
            traceback.print_exc()
        print(f"The model in {layout.model} cannot be loaded: {wrong}", flush=True)
        return 1
    try:
        asyncio.run(_serve(Application(predictor), environment))
    except OSError as wrong:
        print(f"Cannot listen: {wrong}", flush=True)
        return 1
    return 0


def body_bytes_max(environment: Mapping[str, str]) -> int:
    """MAX_CONTENT_LENGTH, else a transform job's SAGEMAKER_MAX_PAYLOAD_IN_MB if that is more than 6 MB."""
    if environment.get("MAX_CONTENT_LENGTH"):
        return int(environment["MAX_CONTENT_LENGTH"])
    # 0 means chunked bodies of any length; the platform's own limit is 100 MB then.
    megabytes = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "")
    payload = int(megabytes or 6) or 100
    return max(_BODY_BYTES_MAX, payload << 20)


class Application:
    """Routes requests to a predictor."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._under_way = 0
        self._small_cost_s = 1.0  # Of the last small request; the first one is never answered inline.

    def handle(self, request: HttpRequest, reply: Reply) -> None:
        """Answer one request; see `lakemill.container.http.Handler`."""
        if request.target == "/invocations" and request.method == "POST":
            self._invocation(request, reply)
        elif request.target == "/ping" and request.method == "GET":
            reply(HttpResponse(200, b"\n"))
        elif request.target == "/execution-parameters" and request.method == "GET":
            body = json.dumps(self._predictor.execution_parameters()).encode()
            reply(HttpResponse(200, body, "application/json"))
        elif request.target in ("/invocations", "/ping", "/execution-parameters"):
            reply(HttpResponse(405, f"{request.method} is not allowed on {request.target}".encode()))
        else:
            reply(HttpResponse(404, b"Not found"))

    def close(self) -> None:
        self._worker.shutdown()

    def _invocation(self, request: HttpRequest, reply: Reply) -> None:
        small = len(request.body) <= _INLINE_BODY_BYTES
        if small and not self._under_way and self._small_cost_s < _INLINE_COST_S:
            reply(self._predict(request, small))
            return
        loop = asyncio.get_running_loop()
        self._under_way += 1
        task = loop.run_in_executor(self._worker, self._predict, request, small)
        task.add_done_callback(lambda done: self._finished(done.result(), reply))

    def _finished(self, response: HttpResponse, reply: Reply) -> None:
        self._under_way -= 1
        reply(response)

    def _predict(self, request: HttpRequest, small: bool) -> HttpResponse:
        start = time.perf_counter()
        headers = request.headers
        asked = InferenceRequest(request.body, headers.get("content-type", ""), headers.get("accept", ""), headers)
        try:
            given = self._predictor.invoke(asked)
            response = HttpResponse(given.status, given.body, given.content_type)
        except InferenceError as wrong:
            response = HttpResponse(wrong.status, str(wrong).encode())
        except Exception as wrong:
            traceback.print_exc()
            response = HttpResponse(500, f"Internal error while predicting: {type(wrong).__name__}".encode())
        if small:
            self._small_cost_s = time.perf_counter() - start
        return response


async def _serve(application: Application, environment: Mapping[str, str]) -> None:
    loop = asyncio.get_running_loop()
    limit = body_bytes_max(environment)
    connections: set[HttpConnection] = set()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def connection() -> HttpConnection:
        return HttpConnection(application.handle, limit, connections)

    port = int(environment.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    servers = [await loop.create_server(connection, "127.0.0.1", port)]
    if socket_path := environment.get("LAKEMILL_BIND_TO_SOCKET"):
        servers.append(await loop.create_unix_server(connection, socket_path))
    print(f"Serving on 127.0.0.1:{servers[0].sockets[0].getsockname()[1]}", flush=True)
    await stopped.wait()
    for server in servers:
        server.close()
    for one in list(connections):
        one.drain()
    until = loop.time() + _DRAIN_S
    while connections and loop.time() < until:
        await asyncio.sleep(0.02)
    # A prediction that still runs would hold the process open; the platform is about to kill it anyway.
    if connections:
        threading.Timer(1.0, lambda: os._exit(1)).start()
    application.close()
