"""Fuzzing of the record parsers: bytes are either refused with a FormatError or mean what a plain reference says."""
