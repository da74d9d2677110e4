"""Results in the text forms that clients of Athena read."""
