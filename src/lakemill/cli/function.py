"""`lakemill function`: functions from files of this machine, by the same API that programs use."""

import ast
import base64
import contextlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakemill.cli import options
from lakemill.cli.output import as_json, fail, strong, table

if TYPE_CHECKING:
    from lakemill.cli.target import Target

ROLE = "lakemill-function"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
READ_S_MAX = 1000
"""Longer than an invocation can take."""
HANDLERS = ("lambda_handler", "handler")
"""What a handler is usually called."""

app = typer.Typer(help="Functions: Python handlers that run here, invoked by name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The function's name.")]


@app.command()
def put(
    name: Name,
    source: Annotated[Path, typer.Argument(help="A Python file, a folder, or a zip archive.")],
    handler: Annotated[
        str | None, typer.Option(help="module.function [default: the file's lambda_handler or handler].")
    ] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds an invocation may take [default: 3].")] = None,
    memory: Annotated[int | None, typer.Option(help="MiB its process may have [default: 128].")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A variable of its environment.")] = None,
    role: Annotated[
        str | None, typer.Option(help="ARN of the role whose rights it has [default: one without any].")
    ] = None,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Make a function, or give it new code: lakemill function put hello hello.py."""
    found = _target(port, data, region)
    archive = _archive(source)
    wish: dict[str, Any] = {}
    if handler or source.suffix == ".py":
        wish["Handler"] = handler or _handler(source)
    if timeout is not None:
        wish["Timeout"] = timeout
    if memory is not None:
        wish["MemorySize"] = memory
    if env:
        wish["Environment"] = {"Variables": dict(_pair(one) for one in env)}
    if role is not None:
        wish["Role"] = role
    client = found.client("lambda")
    with _failing("the function was refused"):
        try:
            client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            if "Handler" not in wish:
                fail(f"what is the handler in {source}?", "say it with --handler module.function")
            wish = {"Role": _role(found)} | wish if role is None else wish
            client.create_function(FunctionName=name, Runtime=RUNTIME, Code={"ZipFile": archive}, **wish)
            typer.echo(f"{strong('Made')} {name}")
            return
        client.update_function_code(FunctionName=name, ZipFile=archive)
        if wish:
            client.update_function_configuration(FunctionName=name, **wish)
    typer.echo(f"{strong('Changed')} {name}")


@app.command(name="list")
def list_(
    port: options.Port = None, data: options.Data = None, region: options.Region = None, json: options.Json = False
) -> None:
    """List the functions."""
    pages = _target(port, data, region).client("lambda").get_paginator("list_functions").paginate()
    rows = [
        {
            "name": one["FunctionName"],
            "handler": one["Handler"],
            "timeout": one["Timeout"],
            "memory": one["MemorySize"],
            "modified": one["LastModified"][:19],
        }
        for page in pages
        for one in page["Functions"]
    ]
    as_json(rows) if json else table(rows, ["name", "handler", "timeout", "memory", "modified"])


@app.command()
def invoke(
    name: Name,
    payload: Annotated[str, typer.Argument(help="The event: JSON, @file, or - for standard input.")] = "{}",
    logs: Annotated[bool, typer.Option("--logs", help="Print what it logged, on standard error.")] = False,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Invoke a function and print its answer; the command fails if the function did."""
    event = _event(payload)
    client = _target(port, data, region).client("lambda", read_timeout=READ_S_MAX)
    with _failing(f"{name} was not invoked"):
        answer = client.invoke(FunctionName=name, Payload=event, LogType="Tail")
    if logs:
        typer.echo(base64.b64decode(answer["LogResult"]).decode(errors="replace"), err=True, nl=False)
    typer.echo(answer["Payload"].read().decode())
    raise typer.Exit(1 if "FunctionError" in answer else 0)


@app.command()
def rm(name: Name, port: options.Port = None, data: options.Data = None, region: options.Region = None) -> None:
    """Delete a function."""
    with _failing(f"{name} was not deleted"):
        _target(port, data, region).client("lambda").delete_function(FunctionName=name)
    typer.echo(f"{strong('Deleted')} {name}")


def _target(port: int | None, data: Path | None, region: str | None) -> "Target":
    from lakemill.cli.target import target  # It brings botocore, which not every command needs.

    return target(options.settings(port=port, data=data, region=region), port_given=port is not None)


@contextlib.contextmanager
def _failing(sentence: str) -> Any:
    """End the command with a sentence when the API says no."""
    import botocore.exceptions

    try:
        yield
    except (botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError) as wrong:
        fail(f"{sentence}: {wrong}")
    except botocore.exceptions.EndpointConnectionError:
        fail("lakemill is not up", "start it with: lakemill up")


def _archive(source: Path) -> bytes:
    """A zip of a file or of all files below a folder; an archive as it is."""
    if not source.exists():
        fail(f"there is no {source}")
    if source.suffix == ".zip":
        return source.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
        for path in files:
            if "__pycache__" not in path.parts:
                archive.write(path, path.name if source.is_file() else path.relative_to(source))
    return buffer.getvalue()


def _handler(source: Path) -> str:
    """The handler a Python file has by one of the usual names."""
    try:
        tree = ast.parse(source.read_text())
    except (SyntaxError, UnicodeDecodeError) as wrong:
        fail(f"{source} is no Python: {wrong}")
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for usual in HANDLERS:
        if usual in defined:
            return f"{source.stem}.{usual}"
    fail(f"{source} defines neither {' nor '.join(HANDLERS)}", "say the handler with --handler module.function")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"--env {text} must be NAME=VALUE")
    return name, value


def _event(payload: str) -> bytes:
    if payload == "-":
        text = sys.stdin.read()
    elif payload.startswith("@"):
        if not Path(payload[1:]).is_file():
            fail(f"there is no {payload[1:]}")
        text = Path(payload[1:]).read_text()
    else:
        text = payload
    try:
        json.loads(text)
    except ValueError as wrong:
        fail(f"the event is no JSON: {wrong}")
    return text.encode()


def _role(found: "Target") -> str:
    """A role that functions may have and that allows nothing; made when it is not there."""
    iam = found.client("iam")
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        arn: str = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
        return arn
    arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    return arn
