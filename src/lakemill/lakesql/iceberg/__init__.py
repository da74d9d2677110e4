"""Iceberg tables through Athena: PyIceberg plans, and writes metadata; DuckDB reads and writes the rows.

A table is a document of the catalog with `table_type=ICEBERG`, whose `metadata_location` names the JSON file that tells
all of its state. A statement writes files under new names, a new JSON file last, and then moves `metadata_location` to
it, if nobody else has meanwhile: until then nothing of the statement can be seen, and from then on all of it.

Changes are made by copy-on-write: a file of which rows are deleted or updated is written anew. Deletes by position that
others have written are read, deletes by equality and deletion vectors are refused.
"""
