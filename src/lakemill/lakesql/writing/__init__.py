"""What a query gives as objects of the lake: CREATE TABLE AS, INSERT INTO and UNLOAD.

Everything is written into the statement's folder first, then stored object by object, and the catalog comes last: it
never points at half a table. When something fails, what was stored is removed.
"""
