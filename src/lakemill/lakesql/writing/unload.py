"""UNLOAD (SELECT ...) TO 's3://...' WITH (...)."""

from lakemill.lakesql.ddl.partitions import path
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.interface import Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import prefix_of
from lakemill.lakesql.writing import layout as layouts
from lakemill.lakesql.writing import rows, storing


def carry_out(query: Query, parsed: Parsed) -> Outcome:
    """Raises SqlFailed."""
    layout = layouts.of_properties(parsed.properties, ctas=False)
    location = prefix_of(parsed.location)
    rows.prepare(query, layout)
    query.plan(parsed.tree)
    columns = query.named_columns(parsed.tree)
    layouts.check_columns(layout, columns)
    storing.check_empty(query.lake, location, "unload")
    wanted = [rows.Wanted(column, type, place) for place, (column, type) in enumerate(columns)]
    pieces = rows.write(query, wanted, layout)
    folders = [f"{path(dict(zip(layout.keys, piece.values, strict=True)))}/" if layout.keys else "" for piece in pieces]
    with storing.stored(
        query.lake, [(piece, location + folder) for piece, folder in zip(pieces, folders, strict=True)]
    ) as uris:
        pass
    return Outcome(
        kind="DML", substatement="UNLOAD", form="", manifest=uris, updated=sum(piece.rows for piece in pieces)
    )  # fmt: skip
