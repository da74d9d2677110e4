"""Glue's library of machine-learning transforms for Spark jobs."""
