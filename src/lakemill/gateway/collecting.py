"""How seldom a process that answers requests looks for cycles of objects."""

import gc

COLLECT_AFTER = 20_000
"""Objects made and kept before cycles are looked for. By default 700: with hundreds of requests under way, each look
goes through all of them, finds nothing, and takes a sixth of the processor's time."""


def collect_seldom() -> None:
    """To be called once, when everything is loaded: what is there now stays."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
