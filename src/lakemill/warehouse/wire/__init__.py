"""PostgreSQL's wire protocol 3.0, as Redshift's clients speak it."""
