"""Glue's machine-learning transforms as processes see them.

applying   what a job does with a transform that was taught: `find_matches`, `find_incremental_matches`
pulling    how a job gets the transform
worker     a task run: python -m lakemill.mltransforms.worker
tasks      what each task does
lake       catalog and objects, asked over the API with the role's keys
"""
