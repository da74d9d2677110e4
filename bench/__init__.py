"""Measurements beside the best public peers, in one run. `python -m bench` writes docs/benchmarks.md.

Each module has `run() -> list[dict]`; a row says name, ours, peer (the peer's figure), ratio (ours / peer as the target
means it), unit, target (a sentence), met (True, False, or None where there is no target) and note.
"""
