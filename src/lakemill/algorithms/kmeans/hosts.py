"""The states of several hosts as one, on the first of them, in no more memory than one host's takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.kmeans.streaming import CenterState

PIECE_BYTES = 16 << 20
"""How much of the centres travels at a time; the sample travels in its parts."""
SLACK = 0.97
"""Share of the room that the joined sample is made for: how much lies below a threshold is known on average only."""


def merged(state: CenterState | None, collective: Collective) -> CenterState | None:
    """On the first host all hosts' centres, and an even sample of all points no larger than one host's may be.

    state is None on a host without records. The other hosts get theirs back, with what is left of its sample. A
    collective call.
    """
    if collective.size == 1:
        return state
    _fit_together(state, collective)
    pieces = _pieces(state)
    received: list[list[Mapping[str, Any]]] = [[] for _ in range(collective.size)]
    for place in range(max(collective.gather(len(pieces)))):
        found = collective.gather(pieces[place] if place < len(pieces) else None)
        if collective.rank == 0:
            for rank, piece in enumerate(found[1:], start=1):
                if piece is not None:
                    received[rank].append(piece)
    for theirs in received:
        if theirs:
            other = _state(theirs)
            if state is None:
                state = other
            else:
                state.merge(other)
    return state


def _fit_together(state: CenterState | None, collective: Collective) -> None:
    """Lower all samples' thresholds to one at which together they take no more bytes than one may."""
    limit = min(collective.gather(state.sample.threshold if state else 1.0))
    while True:
        if state:
            state.sample.lower(limit)
        found = collective.gather([state.sample.bytes, state.sample.bytes_max] if state else [0, 0])
        total, most = sum(bytes_now for bytes_now, _ in found), max(bytes_max for _, bytes_max in found)
        if total <= most:
            return
        limit *= SLACK * most / total


def _pieces(state: CenterState | None) -> list[dict[str, Any]]:
    """Small enough to be held once for every host at the same time."""
    if state is None:
        return []
    arrays, facts = state.kept()
    rows = max(1, PIECE_BYTES // (4 * state.centers.shape[1]))
    sample = state.sample
    pieces: list[dict[str, Any]] = [{"facts": facts, "threshold": sample.threshold, "bytes_max": sample.bytes_max}]
    starts = range(0, len(state.centers), rows)
    pieces += [{name: array[start : start + rows] for name, array in arrays.items()} for start in starts]
    pieces += [{"points": _packed(points), "keys": keys} for points, keys in sample.keyed()]
    return pieces


def _state(pieces: list[Mapping[str, Any]]) -> CenterState:
    (head,) = (piece for piece in pieces if "facts" in piece)
    rows = [piece for piece in pieces if "centers" in piece]
    arrays = {name: np.concatenate([piece[name] for piece in rows]) for name in ("centers", "counts")}
    made = CenterState.restored((arrays, head["facts"]), sample_bytes=head["bytes_max"])
    made.sample.lower(head["threshold"])
    for piece in pieces:
        if "points" in piece:
            made.sample.take(_unpacked(piece["points"]), piece["keys"])
    return made


def _packed(points: Any) -> dict[str, Any]:
    if isinstance(points, np.ndarray):
        return {"dense": points}
    return {"data": points.data, "indices": points.indices, "indptr": points.indptr, "shape": list(points.shape)}


def _unpacked(packed: Mapping[str, Any]) -> Any:
    if "dense" in packed:
        return packed["dense"]
    return scipy.sparse.csr_matrix((packed["data"], packed["indices"], packed["indptr"]), shape=packed["shape"])
