"""The warehouse: one process for each cluster or workgroup of Redshift, with its databases in a file of DuckDB's.

Clients reach it by PostgreSQL's wire protocol, the Data API through the platform. It is started by the platform and
ends with it; what both say to each other stands in `interface`.
"""
