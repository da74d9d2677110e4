"""Runs the script of a Python shell job: `python -P run.py LAUNCH`, a program of its own.

LAUNCH is a JSON file: {"script", "arguments", "folder", "failure"}. The script is `__main__`, sees its arguments in
sys.argv and works in the folder. What it raises is printed without the frames of this file, and the last line of that
is left in the failure file, for the run's ErrorMessage.
"""

import json
import os
import runpy
import sys
import traceback

FAILURE_CHARS_MAX = 4000


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        run(json.load(file))


def run(launch):
    """Carry out what a launch file says."""
    os.chdir(launch["folder"])
    script = launch["script"]
    sys.argv = [script, *launch["arguments"]]
    sys.path.insert(0, os.path.dirname(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit:
        raise
    except BaseException as error:
        traceback.print_exception(type(error), error, frames_of(script, error.__traceback__))
        with open(launch["failure"], "w", encoding="utf-8", errors="replace") as file:
            file.write(sentence(error))
        sys.exit(1)


def frames_of(script, frames):
    """A traceback from where the script begins, or None where it never did."""
    while frames is not None and frames.tb_frame.f_code.co_filename != script:
        frames = frames.tb_next
    return frames


def sentence(error):
    """The last line that Python prints of an exception.

    >>> sentence(ValueError("no rows"))
    'ValueError: no rows'
    >>> sentence(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        text = str(error)
    except Exception:
        text = "<exception str() failed>"
    return (f"{name}: {text}" if text else name)[:FAILURE_CHARS_MAX]


if __name__ == "__main__":
    main()
