"""The commands, one function each; what is more than a few lines has a module of its own."""

import asyncio
import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

import lakemill
from lakemill.cli import function, options, stream
from lakemill.cli.output import as_json, fail, strong, table

app = typer.Typer(
    name="lakemill",
    help="A self-hosted machine-learning platform that speaks AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(function.app, name="function")
app.add_typer(stream.commands, name="stream")


def main() -> None:
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lakemill {lakemill.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def up(
    host: options.Host = None,
    port: options.Port = None,
    data: options.Data = None,
    auth: options.Auth = None,
    tls: options.Tls = None,
    region: options.Region = None,
    account: options.Account = None,
    stream_limits: options.StreamLimits = None,
    stream_settle_ms: options.StreamSettle = None,
    queries_at_once: options.QueriesAtOnce = None,
    query_memory_mib: options.QueryMemory = None,
    queries_url: options.QueriesUrl = None,
    warehouse_memory_mib: options.WarehouseMemory = None,
    flink_python: options.FlinkPython = None,
    spark_python: options.SparkPython = None,
    log_url: options.LogUrl = None,
    fronts: options.Fronts = None,
    log_format: options.LogFormat = None,
    log_requests: options.LogRequests = None,
) -> None:
    """Start lakemill in the foreground. `Ready.` is the last line of the start."""
    chosen = options.settings(
        host=host, port=port, data=data, auth=auth, tls=tls, region=region, account=account,
        stream_limits=stream_limits, stream_settle_ms=stream_settle_ms, queries_at_once=queries_at_once,
        query_memory_mib=query_memory_mib, queries_url=queries_url, warehouse_memory_mib=warehouse_memory_mib,
        flink_python=flink_python, spark_python=spark_python, log_url=log_url, fronts=fronts, log_format=log_format,
        log_requests=log_requests,
    )  # fmt: skip
    from lakemill.app import START_REFUSALS
    from lakemill.app import main as serve

    def say(facts: dict[str, Any]) -> None:
        for sentence in facts["recovered"]:
            typer.echo(f"Recovered: {sentence}")
        typer.echo(f"Endpoint:  {strong(facts['endpoint'])}")
        typer.echo(f"Console:   {facts['console']}")
        typer.echo(f"Data:      {facts['data']}")
        typer.echo(f"Root key:  {facts['access_key_id']}  (secret in {facts['data']}/credentials)")
        if chosen.auth != "on":
            typer.echo(strong(f"Requests are not authorised (--auth {chosen.auth}).", "yellow"))
        typer.echo(f'Use it:    eval "$(lakemill env --data {shlex.quote(facts["data"])})"')
        typer.echo(strong("Ready."))

    try:
        serve(chosen, say)
    except START_REFUSALS as error:
        fail(str(error))
    except OSError as error:
        fail(f"lakemill cannot work with {chosen.data}: {error.strerror or error}")
    typer.echo("Stopped.")


@app.command()
def env(
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
    profile: Annotated[
        str | None, typer.Option(help="Write this profile to the AWS configuration files instead.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Print the exports that point AWS tools at lakemill: eval "$(lakemill env)"."""
    from lakemill.cli.profile import write_profile
    from lakemill.cli.target import target

    found = target(options.settings(port=port, data=data, region=region), port_given=port is not None)
    if profile:
        config, credentials = write_profile(profile, found)
        typer.echo(f"Wrote profile {profile} to {config} and {credentials}; use it with: export AWS_PROFILE={profile}")
    elif json:
        as_json(found.environment())
    else:
        for name, value in found.environment().items():
            typer.echo(f"export {name}={shlex.quote(value)}")


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="The program and its arguments.")],
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Run a program against lakemill, hard-coded https://*.amazonaws.com hosts included."""
    from lakemill.cli.runner import run_program
    from lakemill.cli.target import target

    found = target(options.settings(port=port, data=data, region=region), port_given=port is not None)
    raise typer.Exit(asyncio.run(run_program(command, found, dict(os.environ))))


@app.command()
def status(port: options.Port = None, data: options.Data = None, json: options.Json = False) -> None:
    """Say whether lakemill is up, and what it holds and does."""
    from lakemill.cli.status import gather, show
    from lakemill.cli.target import target

    found = target(options.settings(port=port, data=data), port_given=port is not None)
    facts = gather(found)
    if json:
        as_json(facts)
    else:
        show(facts)
    raise typer.Exit(0 if facts["up"] else 1)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="The statement; - reads it from standard input.")],
    database: Annotated[
        str | None, typer.Option(help="Where tables without a database are looked up: default, or dev of a cluster.")
    ] = None,
    workgroup: Annotated[str, typer.Option(help="The workgroup it runs in.")] = "primary",
    cluster: Annotated[str | None, typer.Option(help="A cluster of Redshift that carries it out, not Athena.")] = None,
    user: Annotated[str, typer.Option(help="The user of the cluster's database.")] = "awsuser",
    output: Annotated[str, typer.Option(help="table, csv or json.")] = "table",
    rows: Annotated[int, typer.Option(min=0, help="Rows of a table that are shown.")] = 100,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Run a statement on the lake: lakemill sql "select * from flights limit 10"."""
    import sys

    from lakemill.cli import sql as shown
    from lakemill.cli.target import target
    from lakemill.cli.warehouse import ClusterStatement

    if output not in ("table", "csv", "json"):
        fail(f"--output must be table, csv or json; got {output}")
    text = sys.stdin.read() if statement == "-" else statement
    found = target(options.settings(port=port, data=data, region=region), port_given=port is not None)
    one: shown.Statement | ClusterStatement
    if cluster:
        one = ClusterStatement(found, text, database or "dev", cluster, user)
    else:
        one = shown.Statement(found, text, database or "default", workgroup)
    one.run()
    if output == "table":
        shown.show_table(one, rows)
    else:
        (shown.show_csv if output == "csv" else shown.show_json)(one)


@app.command()
def logs(
    job: Annotated[str, typer.Argument(help="Name of a training or transform job, or of an endpoint.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    port: options.Port = None,
    data: options.Data = None,
) -> None:
    """Print what a job or an endpoint has logged."""
    from lakemill.cli.joblogs import print_logs
    from lakemill.cli.target import target

    print_logs(target(options.settings(port=port, data=data), port_given=port is not None), job, follow=follow)


@app.command()
def algorithms(
    name: Annotated[
        str | None, typer.Argument(help="Show this algorithm's hyperparameters, channels and metrics.")
    ] = None,
    json: options.Json = False,
) -> None:
    """List the built-in algorithms."""
    from lakemill.algorithms import registry
    from lakemill.cli.algorithms import describe, show

    if name is None:
        rows = [{"name": one.name, "title": one.title, "summary": one.summary} for one in registry.specs()]
        as_json(rows) if json else table(rows, ["name", "title", "summary"])
        return
    spec = registry.find(name)
    if spec is None:
        known = ", ".join(one.name for one in registry.specs())
        fail(f"no built-in algorithm is called {name}", f"there are: {known}")
    as_json(describe(spec)) if json else show(spec)


@app.command(context_settings={"ignore_unknown_options": True})
def train(
    algorithm: Annotated[str, typer.Argument(help="Its name, e.g. kmeans; lakemill algorithms lists them.")],
    source: Annotated[str, typer.Argument(help="Training data: an s3:// URI, or a file or folder of this machine.")],
    hyperparameters: Annotated[
        list[str] | None, typer.Argument(metavar="[--NAME VALUE]...", help="Hyperparameters, e.g. --k 10.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="Data of the test channel.")] = None,
    validation: Annotated[str | None, typer.Option(help="Data of the validation channel.")] = None,
    content_type: Annotated[str | None, typer.Option(help="Where name and first bytes do not tell.")] = None,
    name: Annotated[str | None, typer.Option(help="The job's name [default: algorithm and time].")] = None,
    instances: Annotated[
        int, typer.Option(help="Processes that train together; each gets its share of the files.")
    ] = 1,
    mode: Annotated[str, typer.Option(help="File, FastFile or Pipe.")] = "File",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the job to its end.")] = True,
    port: options.Port = None,
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Train a built-in algorithm: lakemill train kmeans s3://bucket/images/ --k 10."""
    from lakemill.algorithms import registry
    from lakemill.cli.target import target
    from lakemill.cli.train import hyperparameters_of, run_training

    spec = registry.find(algorithm)
    if spec is None:
        known = ", ".join(one.name for one in registry.specs())
        fail(f"no built-in algorithm is called {algorithm}", f"there are: {known}")
    sources = {"train": source, "test": test, "validation": validation}
    run_training(
        target(options.settings(port=port, data=data), port_given=port is not None),
        spec,
        {channel: one for channel, one in sources.items() if one},
        hyperparameters_of(hyperparameters or []),
        name=name,
        instances=instances,
        mode=mode,
        content_type=content_type,
        wait=wait,
        for_programs=json,
    )


@app.command()
def crawl(
    uri: Annotated[str, typer.Argument(metavar="S3_URI", help="The folder, e.g. s3://lake/sales/.")],
    database: Annotated[
        str | None, typer.Option(help="Database of the tables; made when missing [default: the bucket's name].")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Pattern of names to leave out, e.g. '**.tmp'; may come again.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the crawler [default: bucket and folder].")] = None,
    port: options.Port = None,
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Make tables of the catalog from what is in a folder: lakemill crawl s3://lake/sales/."""
    from lakemill.cli.crawl import run_crawl
    from lakemill.cli.target import target

    found = target(options.settings(port=port, data=data), port_given=port is not None)
    run_crawl(found, uri, database, name=name, exclude=exclude or [], for_programs=json)


@app.command()
def agent(
    config: Annotated[Path, typer.Argument(help="Configuration file of the Amazon Kinesis Agent (agent.json).")],
    checkpoints: Annotated[
        Path | None, typer.Option(help="Where to remember how far files were sent [default: in the data folder].")
    ] = None,
    once: Annotated[bool, typer.Option(help="Send what is there, and end.")] = False,
    port: options.Port = None,
    data: options.Data = None,
    region: options.Region = None,
) -> None:
    """Follow files and send what is appended to streams and delivery streams."""
    from lakemill.cli.agent import run_agent
    from lakemill.cli.target import target

    found = target(options.settings(port=port, data=data, region=region), port_given=port is not None)
    run_agent(config, found, checkpoints, once=once)


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Folder of the demo's own lakemill; emptied first.")] = Path("demo-data"),
    python: Annotated[Path | None, typer.Option(help="A Python with the SageMaker SDK 2.x.")] = None,
) -> None:
    """Carry real data the whole way: bucket, training, endpoint, batch job, with figures beside the references."""
    from lakemill.cli.demo import run_demo

    raise typer.Exit(run_demo(data, python))


@app.command()
def doctor(json: options.Json = False) -> None:
    """Say what this machine lacks for lakemill, and the command that mends it."""
    from lakemill.cli.doctor import examine

    findings = examine()
    if json:
        as_json(findings)
    else:
        for finding in findings:
            mark = strong("ok     ") if finding["ok"] else strong("missing", "yellow")
            typer.echo(f"{mark} {finding['what']}" + ("" if finding["ok"] else f"\n        mend: {finding['mend']}"))
    raise typer.Exit(0 if all(finding["ok"] or finding["optional"] for finding in findings) else 1)
