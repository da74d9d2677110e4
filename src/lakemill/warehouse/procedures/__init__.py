"""Stored procedures in PL/pgSQL.

`parser` makes `nodes` of a body, `interpreter` carries them out: flow and variables here, every expression and
statement of SQL by the compiler of the dialect, with the variables that it names as parameters. `calling` finds and
runs procedures; `commands.routines` keeps them.
"""
