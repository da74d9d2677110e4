"""The operators of streaming SQL, one in a file."""
