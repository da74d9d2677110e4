"""Queries that a cluster of Trino runs; what is around them (DDL, results, files that are written) stays here.

tables.py     which tables a query reads, views seen through; what must not reach the cluster is refused
rights.py     whether the caller may read all of them
sending.py    the text that is sent, and where places in it are in the text that was given
client.py     Trino's protocol for clients: a statement, its pages, its end
failures.py   Trino's errors in Athena's words
rows.py       Trino's types and rows as Arrow
query.py      the query that puts these together
"""
