"""Which records of a stream a tree holds: a weighted sample without replacement that forgets. Compiled.

Record i, of weight exp(decay i), gets the key log(E) - decay i with E exponentially distributed; the S records of the
smallest keys are the sample (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", IPL 2006, in
logarithms, which neither overflow nor need to be scaled again). With decay 0 it is an even sample. How many records
go by before the next one is taken is drawn at once, so the others cost nothing.
"""

import math
from typing import Any

import numpy as np

from lakemill.algorithms.randomcutforest.tree import HELD, draw
from lakemill.formats.jit import compiled, inlined


@inlined
def full(tree: Any) -> bool:
    """Whether a new record drives one out: entry 0."""
    return tree.heads[HELD] == tree.keys.shape[0]


@compiled
def admit(tree: Any, entry: int, now: float, decay: float) -> None:
    """Take in the record of time `now`, which is due, in place of entry 0 if the reservoir is full."""
    if full(tree):
        # E of a record that is taken lies below the largest key's: an exponential variable cut off there.
        limit = math.exp(min(tree.keys[0] + decay * now, 700.0))
        exponential = -math.log1p((1.0 - draw(tree.seeds, 0)) * math.expm1(-limit))
        _sink(tree, math.log(max(exponential, 1e-300)) - decay * now, entry)
    else:
        _rise(tree, math.log(-math.log(1.0 - draw(tree.seeds, 0)) + 1e-300) - decay * now, entry)
    tree.due[0] = now + 1.0
    if full(tree):
        tree.due[0] = now + _wait(tree, now + 1.0, decay)


@compiled
def begin(tree: Any, order: Any, start: float) -> None:
    """Fill an empty reservoir with an even sample of its first len(order) > S records, as `admit` would one by one.

    order is 0, 1, ..., and is so again in the end. Of the record in place i the entry is -1 - i. The smallest of n
    exponential variables is one divided by n, and the others lie beyond it as those of n - 1 would.
    """
    n, size, exponential = len(order), tree.keys.shape[0], 0.0
    others = np.empty(size, np.int64)
    for place in range(size):
        other = place + int(draw(tree.seeds, 0) * (n - place))
        others[place] = other
        order[place], order[other] = order[other], order[place]
        exponential -= math.log(1.0 - draw(tree.seeds, 0)) / (n - place)
        # Descending keys are a heap.
        tree.keys[size - 1 - place] = math.log(exponential + 1e-300)
        tree.entries[size - 1 - place] = -1 - order[place]
    for place in range(size - 1, -1, -1):
        order[place], order[others[place]] = order[others[place]], order[place]
    tree.heads[HELD] = size
    tree.due[0] = start + n - 1 + _wait(tree, start + n, 0.0)


@inlined
def _wait(tree: Any, first: float, decay: float) -> float:
    """After how many records one is taken, the next being that of time `first`.

    One of time i is passed by with probability exp(-r exp(decay i)), where log r is the largest key.
    """
    needed = -math.log(1.0 - draw(tree.seeds, 0))
    rate = math.exp(min(tree.keys[0] + decay * first, 700.0))
    if rate <= 0.0:
        return 1e15
    passed = needed / rate
    if decay > 0.0:
        passed = math.log1p(passed * math.expm1(decay)) / decay
    return min(max(math.ceil(passed), 1.0), 1e15)


@inlined
def _rise(tree: Any, key: float, entry: int) -> None:
    """Add to the heap."""
    place = tree.heads[HELD]
    tree.heads[HELD] += 1
    while place > 0 and tree.keys[(place - 1) // 2] < key:
        above = (place - 1) // 2
        tree.keys[place], tree.entries[place] = tree.keys[above], tree.entries[above]
        place = above
    tree.keys[place], tree.entries[place] = key, entry


@inlined
def _sink(tree: Any, key: float, entry: int) -> None:
    """Replace the heap's first."""
    place, size = 0, tree.heads[HELD]
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and tree.keys[below + 1] > tree.keys[below]:
            below += 1
        if tree.keys[below] <= key:
            break
        tree.keys[place], tree.entries[place] = tree.keys[below], tree.entries[below]
        place = below
    tree.keys[place], tree.entries[place] = key, entry
