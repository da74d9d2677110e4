"""`lakemill algorithms`: what the specs say, for people and programs."""

from typing import Any

import typer

from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.cli.output import strong, table


def describe(spec: AlgorithmSpec) -> dict[str, Any]:
    """A spec as plain data."""
    return {
        "name": spec.name,
        "title": spec.title,
        "summary": spec.summary,
        "repositories": list(spec.repositories),
        "hyperparameters": [
            {
                "name": one.name,
                "valid": one.allowed(),
                "default": "required" if one.required else one.default,
                "doc": one.doc,
            }
            for one in spec.hyperparameters
        ],
        "channels": [
            {
                "name": one.name,
                "required": one.required,
                "content types": ", ".join(one.content_types),
                "modes": ", ".join(one.input_modes),
            }
            for one in spec.channels
        ],
        "instances": "several" if spec.multi_instance else "one",
        "requests": list(spec.request_types),
        "responses": list(spec.response_types),
        "metrics": [{"name": one.name, "goal": one.goal or "", "regex": one.regex} for one in spec.metrics],
    }


def show(spec: AlgorithmSpec) -> None:
    """A spec for people."""
    facts = describe(spec)
    typer.echo(f"{strong(spec.name)}: {spec.summary}\n")
    table(facts["hyperparameters"], ["name", "valid", "default", "doc"])
    typer.echo()
    table(facts["channels"], ["name", "required", "content types", "modes"])
    typer.echo(f"\ninstances: {facts['instances']}")
    typer.echo(f"requests:  {', '.join(spec.request_types)}\nresponses: {', '.join(spec.response_types)}\n")
    if facts["metrics"]:
        table(facts["metrics"], ["name", "goal", "regex"])
