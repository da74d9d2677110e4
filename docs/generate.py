"""Write the reference pages from the code: settings, commands, hyperparameters, coverage of operations.

python docs/generate.py           write them
python docs/generate.py --check   fail if one is not current
"""

import dataclasses
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
import typer.main

from lakemill.algorithms import registry
from lakemill.algorithms.spec import Hyperparameter
from lakemill.app import build
from lakemill.cli.main import app
from lakemill.gateway.models import service_model
from lakemill.settings import Settings, variable

DOCS = Path(__file__).parent
NOTE = "<!-- Made by docs/generate.py; do not edit. -->\n\n"


def cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def table(heads: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    rows = [
        [f"`{field.name}`", f"`{variable(field.name)}`", f"`{field.default}`", field.metadata["doc"]]
        for field in dataclasses.fields(Settings)
    ]
    return f"# Settings\n\n{NOTE}" + table(["setting", "environment", "default", "what it does"], rows)


def commands_page() -> str:
    group = typer.main.get_command(app)
    return "\n".join([f"# Commands\n\n{NOTE}", *commands_of(group, "lakemill")])


def commands_of(group: click.Group, called: str) -> Iterator[str]:
    """A section for each command, those of a group after it."""
    context = click.Context(group, info_name=called)
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        inner = click.Context(command, info_name=f"{called} {name}")
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f"## {called} {name}\n\n{command.help}\n\n```\n{called} {name} {usage}\n```\n"
        rows = []
        for parameter in command.params:
            names = ", ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts])
            if names != "`--help`":
                rows.append([names, getattr(parameter, "help", "") or ""])
        if rows:
            yield table(["option", "what it does"], rows)
        if hasattr(command, "list_commands"):
            yield from commands_of(command, f"{called} {name}")


def hyperparameters_page() -> str:
    parts = [
        f"# Hyperparameters, channels and metrics\n\n{NOTE}",
        overview(),
        "Every channel of File mode has FastFile, too.\n",
    ]
    for spec in registry.specs():
        parts.append(f"## {spec.name}\n\n{spec.summary}\n")
        rows = [
            [
                f"`{one.name}`",
                one.allowed(),
                "required" if one.required else f"`{one.default}`",
                tuning_range(one),
                one.doc,
            ]
            for one in spec.hyperparameters
        ]
        parts.append(table(["hyperparameter", "valid", "default", "tune within", "meaning"], rows))
        channels = [
            [f"`{one.name}`", "yes" if one.required else "no", codes(one.content_types), ", ".join(one.input_modes)]
            for one in spec.channels
        ]
        parts.append(table(["channel", "required", "content types", "modes"], channels))
        parts.append(f"Requests: {codes(spec.request_types)}. Responses: {codes(spec.response_types)}.\n")
        if spec.metrics:
            rows = [[f"`{one.name}`", one.goal or "", f"`{one.regex}`"] for one in spec.metrics]
            parts.append(table(["metric", "goal", "read from the log by"], rows))
    return "\n".join(parts)


def overview() -> str:
    """What each algorithm takes, in a line."""
    rows = []
    for spec in registry.specs():
        train = next(one for one in spec.channels if one.name == "train")
        rows.append(
            [
                f"[{spec.name}](#{spec.name})",
                short(train.content_types),
                ", ".join(train.input_modes),
                "several" if spec.multi_instance else "one",
                short(spec.request_types),
                short(spec.response_types),
            ]
        )
    return table(["algorithm", "trains on", "modes", "instances", "requests", "responses"], rows)


def short(types: Iterable[str]) -> str:
    """Content types without their families: `csv`, `x-recordio-protobuf`."""
    return ", ".join(dict.fromkeys(one.split(";")[0].split("/")[-1] for one in types))


def codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def tuning_range(one: Hyperparameter) -> str:
    if one.tunable is None:
        return ""
    if one.tunable.choices:
        return codes(one.tunable.choices)
    return f"{one.tunable.low:g} to {one.tunable.high:g}"


def operations() -> dict[str, dict[str, Mapping[str, str]]]:
    """client name -> operation -> refused members with their reasons, of a lakemill put together as always."""
    with tempfile.TemporaryDirectory() as folder:
        app = build(Settings(data=Path(folder)))
        try:
            found = app.gateway.handlers
            return {
                name: {operation: handler.refuses for operation, handler in handlers.items()}
                for name, handlers in found.items()
            }
        finally:
            app.objects.close()
            app.metadata.close()
            app.lock.release()


def members(refused: Mapping[str, str]) -> str:
    """Refused members, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for member, reason in refused.items():
        reasons.setdefault(reason, []).append(f"`{member}`")
    return "; ".join(", ".join(names) + (f": {reason}" if reason else "") for reason, names in reasons.items())


def coverage_page() -> str:
    parts = [
        f"# Coverage of operations\n\n{NOTE}"
        "An operation is real, or it is refused with an error that names it. The members in the last column are "
        "refused by name, with the reason, when a request sets them. What an operation refuses deeper inside a request "
        "stands on the service's own page.\n"
    ]
    sections, counts = [], []
    for service, provided in operations().items():
        model = service_model(service)
        real = sorted(provided)
        refused = sorted(set(model.operation_names) - set(provided))
        counts.append([f"[{service}](#{service})", len(real), len(refused)])
        rows = [[f"`{name}`", members(provided[name])] for name in real]
        sections.append(f"## {service}\n\n" + table(["real", "refused members"], rows))
        if refused:
            sections.append("Refused: " + ", ".join(f"`{name}`" for name in refused) + ".\n")
    parts.append(table(["service", "real", "refused"], counts))
    return "\n".join(parts + sections)


PAGES = {
    "reference/settings.md": settings_page,
    "reference/commands.md": commands_page,
    "reference/hyperparameters.md": hyperparameters_page,
    "coverage.md": coverage_page,
}


def main(check: bool) -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if stale and check:
        print(f"not current: {', '.join(stale)}; run: python docs/generate.py")
        return 1
    print(f"written: {', '.join(stale)}" if stale else "all current")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
