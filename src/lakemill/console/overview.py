"""The overview page: tables of what there is, made from plain facts, without anything fetched from elsewhere."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2.5em auto; max-width: 72em; padding: 0 1.5em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.1em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #8884; padding: .35em .8em .35em 0; text-align: left; vertical-align: top; }
.good { color: #1a7f37; } .bad { color: #cf222e; } .busy { color: #9a6700; }
p.none { opacity: .6; }
"""
COLOURS = {
    **dict.fromkeys(("completed", "inservice", "active", "running"), "good"),
    **dict.fromkeys(("failed", "stopped"), "bad"),
    **dict.fromkeys(("inprogress", "creating", "starting", "updating", "stopping", "deleting"), "busy"),
}
"""By status, in small letters."""
REFRESH_S = 5


def overview(title: str, sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """An HTML page that renews itself: a heading per section, a row per thing, columns in the order of the first row.

    >>> b"<td>orders</td>" in overview("lakemill", {"Buckets": [{"name": "orders"}]})
    True
    """
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for heading, rows in sections.items():
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        parts.append(_table(rows) if rows else "<p class=none>none</p>")
    return (
        f'<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content="{REFRESH_S}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>{''.join(parts)}</html>"
    ).encode()


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(_cell(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{body}</table>"


def _cell(value: Any) -> str:
    text = html.escape(str(value))
    colour = COLOURS.get(text.lower())
    return f'<td class="{colour}">{text}</td>' if colour else f"<td>{text}</td>"
