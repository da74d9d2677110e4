"""Tables of items: found by a hash and a range key, changed under conditions, with indexes.

store         tables and their items
schema        tables, keys, indexes as they are described
values        what attributes hold; paths, the places within
order         keys as text
expressions   the language of conditions, projections and updates (tokens, conditions, updates)
changes       what is done to an item
reading       finding items
upkeep        work in the background
"""

from lakemill.engines.tables.changes import Change, Changed
from lakemill.engines.tables.expressions import Language
from lakemill.engines.tables.reading import Found, Question
from lakemill.engines.tables.schema import Attribute, Index, Key, Table
from lakemill.engines.tables.store import Tables, add_index, new_index

__all__ = [
    "Attribute",
    "Change",
    "Changed",
    "Found",
    "Index",
    "Key",
    "Language",
    "Question",
    "Table",
    "Tables",
    "add_index",
    "new_index",
]
