"""Leads a program's Python to the files that are shown to it, where a folder cannot be laid over the machine's.

Python loads a module of this name by itself. LAKEMILL_SHOWN is `<folder as the program knows it>:<where it is>`.
"""

import builtins
import io
import os

_known, _, _real = os.environ.get("LAKEMILL_SHOWN", "").partition(":")


def _led(path):
    if isinstance(path, (str, os.PathLike)):
        text = os.fspath(path)
        if isinstance(text, str) and (text == _known or text.startswith(_known + "/")):
            return _real + text[len(_known) :]
    return path


def _leading(function):
    def led(path, *arguments, **options):
        return function(_led(path), *arguments, **options)

    return led


if _known:
    builtins.open = io.open = _leading(io.open)
    os.stat, os.listdir = _leading(os.stat), _leading(os.listdir)
