"""Lambda's contract with a function's process: environment, credentials, log lines, and what is answered for it.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, lambda-runtime-environment.html,
python-logging.html, monitoring-cloudwatchlogs-view.html.
"""

import datetime
import functools
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.functions import Function, FunctionUnavailable, Launch, Outcome
from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import RoleRefused
from lakemill.ports.clock import Clock
from lakemill.ports.compute.sandbox import bubblewrap

SERVICE = "lambda.amazonaws.com"
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
TASK_ROOT = "/var/task"
CREDENTIALS_S = 12 * 3600
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The runtime that lakemill's own interpreter is."""

INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
"""Variables of this machine a function gets; nothing secret is among them."""

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
"""What a function's own variables may not be called."""


class RoleUnusable(FunctionUnavailable):
    """The function's role is gone, or does not trust Lambda any more."""

    def __init__(self) -> None:
        super().__init__("The role defined for the function cannot be assumed by Lambda.")


OLDEST = (3, 9)
"""What the bootstrap needs."""


@functools.cache
def interpreter(runtime: str) -> str | None:
    """The program of a runtime on this machine, if there is one: lakemill's own, or one on the path that answers.

    Blocks for a moment when it is asked for the first time.
    """
    if runtime == HERE:
        return sys.executable
    program = shutil.which(runtime)
    if program is None or tuple(map(int, runtime.removeprefix("python").split("."))) < OLDEST:
        return None
    question = [program, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if done.stdout.strip() == runtime else None


def arn_of(function: Function) -> str:
    """`arn:aws:lambda:<region>:<account>:function:<name>`, with the version if it has a number."""
    account, _, region = function.scope.partition("/")
    unqualified = f"arn:aws:lambda:{region}:{account}:function:{function.name}"
    return f"{unqualified}:{function.version}" if function.version else unqualified


def version_of(function: Function) -> str:
    return function.version or "$LATEST"


class LambdaRuntime:
    """A runtime for the functions engine.

    endpoint: where lakemill listens. data: its data folder, which code does not see where there is a sandbox.
    authority: the CA certificate for https. enforce: whether a role must exist and trust Lambda; without it a function
    works with the root's key.
    """

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        endpoint: str,
        data: Path,
        authority: Path | None = None,
        *,
        enforce: bool = True,
    ) -> None:
        self._identity, self._clock = identity, clock
        self._endpoint, self._authority, self._enforce = endpoint, authority, enforce
        programs = (Path(sys.prefix).resolve(), BOOTSTRAP.resolve())
        self._hidden = None if any(one.is_relative_to(data.resolve()) for one in programs) else data.resolve()
        """The data folder, unless the programs themselves lie in it."""

    def stream(self, function: Function, token: str) -> str:
        return f"{self._clock.now():%Y/%m/%d}/[{version_of(function)}]{token}"

    async def launch(self, function: Function, stream: str, code: Path, bytecode: Path) -> Launch:
        program = interpreter(function.runtime)
        if program is None:
            raise FunctionUnavailable(f"this machine has no {function.runtime}")
        mounts = {TASK_ROOT: code} if bubblewrap() else {}
        root = TASK_ROOT if mounts else str(code)
        keys, expires_s = await self._credentials(function)
        region = function.scope.partition("/")[2]
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPYCACHEPREFIX": str(bytecode),
            "AWS_ENDPOINT_URL": self._endpoint,
            **function.environment,
            **keys,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": version_of(function),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "LAMBDA_TASK_ROOT": root,
            "LAMBDA_RUNTIME_DIR": str(BOOTSTRAP.parent),
            "_HANDLER": function.handler,
        }
        if self._authority is not None:
            environment.setdefault("AWS_CA_BUNDLE", str(self._authority))
        kept = (bytecode, self._authority) if self._authority is not None else (bytecode,)
        return Launch([program, str(BOOTSTRAP)], environment, Path(root), mounts, self._hidden, kept, expires_s)

    async def _credentials(self, function: Function) -> tuple[dict[str, str], float | None]:
        """Keys of the role, and when they end."""
        try:
            principal = self._identity.service_session(function.role, SERVICE, function.name)
        except RoleRefused:
            if self._enforce:
                raise RoleUnusable from None
            key = self._identity.root_key(function.scope.partition("/")[0])
            return {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret}, None
        session = await self._identity.sessions.open(principal, CREDENTIALS_S)
        keys = {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret,
            "AWS_SESSION_TOKEN": session.session_token,
        }
        return keys, float(session.expires_s)

    def request(
        self, function: Function, request_id: str, deadline_ms: int, extra: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {"id": request_id, "deadline_ms": deadline_ms, "arn": arn_of(function), **extra}

    def answer(self, function: Function, outcome: Outcome) -> bytes:
        kind = "Sandbox.Timedout" if outcome.kind == "timeout" else "Runtime.ExitError"
        outcome.error_type = kind
        outcome.message = f"RequestId: {outcome.request_id} Error: {self._what(function, outcome)}"
        return json.dumps({"errorType": kind, "errorMessage": outcome.message}).encode()

    @staticmethod
    def _what(function: Function, outcome: Outcome) -> str:
        if outcome.kind == "timeout":
            return f"Task timed out after {function.timeout_s:.2f} seconds"
        return f"Runtime exited with error: {outcome.message}"

    def opening(self, function: Function, request_id: str) -> list[str]:
        return [f"START RequestId: {request_id} Version: {version_of(function)}"]

    def closing(self, function: Function, outcome: Outcome) -> list[str]:
        request_id = outcome.request_id
        lines = []
        if outcome.kind == "timeout":
            now = self._clock.now()
            lines.append(f"{_moment(now)} {request_id} Task timed out after {function.timeout_s:.2f} seconds")
        elif outcome.kind in ("exited", "memory"):
            lines.append(outcome.message)
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {outcome.duration_ms:.2f} ms",
            f"Billed Duration: {math.ceil(outcome.duration_ms)} ms",
            f"Memory Size: {function.memory_mib} MB",
            f"Max Memory Used: {outcome.peak_mib} MB",
        ]
        if outcome.init_ms is not None:
            report.append(f"Init Duration: {outcome.init_ms:.2f} ms")
        return [*lines, f"END RequestId: {request_id}", "\t".join(report) + "\t"]


def _moment(now: datetime.datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
