"""What commands print: plain text, colours only on a terminal, and how they fail."""

import json
import os
import sys
from typing import Any, NoReturn

import typer


def terminal() -> bool:
    """True if people look at standard output (and did not ask for NO_COLOR)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def strong(text: str, colour: str = "green") -> str:
    """Text that stands out on a terminal and is plain text elsewhere."""
    return typer.style(text, fg=colour, bold=True) if terminal() else text


def fail(message: str, hint: str = "", code: int = 1) -> NoReturn:
    """End the command with a sentence on standard error, and what to do about it."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    typer.echo(f"{typer.style('error:', fg='red', bold=True) if colour else 'error:'} {message}", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)
    raise typer.Exit(code)


def as_json(value: Any) -> None:
    """One JSON document for programs."""
    typer.echo(json.dumps(value, indent=2, default=str))


def table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Rows under headings, as wide as they need to be."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in [columns, *cells]) for i in range(len(columns))]
    for number, line in enumerate([[column.upper() for column in columns], *cells]):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        typer.echo(strong(text, "blue") if number == 0 else text)
