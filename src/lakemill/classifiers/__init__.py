"""What is in a file: reading the beginning of one (and the end, where a format asks for it) tells format and schema.

`chain.classify` asks one classifier after the other; each is a module with one function from a sample to a `Finding`.
`worker` is the process in which they run.
"""
