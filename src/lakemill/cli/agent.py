"""`lakemill agent`: follow files by the Amazon Kinesis Agent's configuration file."""

import signal
from pathlib import Path

import typer

from lakemill.agent import Agent, ConfigError, read_config
from lakemill.cli.output import fail
from lakemill.cli.target import Target


def run_agent(config_file: Path, target: Target, checkpoints: Path | None, *, once: bool) -> None:
    """Run until SIGINT or SIGTERM, or with `once` until what is there is sent. Exits with 1 if a flow failed."""
    try:
        config = read_config(config_file)
    except ConfigError as wrong:
        fail(str(wrong))
    agent = Agent(
        config,
        checkpoints or target.data / "agent" / "checkpoints.sqlite",
        endpoint=target.endpoint,
        region=target.region,
        credentials=(target.access_key_id, target.secret),
        verify=str(target.data / "ca.pem") if target.endpoint.startswith("https") else None,
        say=typer.echo,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.stop())
    for flow in config.flows:
        kind = "stream" if flow.to_stream else "delivery stream"
        typer.echo(f"{flow.file_pattern} goes to the {kind} {flow.destination}")
    agent.run(once=once)
    if any(flow.refused for flow in agent.flows):
        raise typer.Exit(1)
