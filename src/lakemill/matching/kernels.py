"""Compiled loops: the search for similar records, and the comparison of pairs of values."""

from typing import Any

import numpy as np

from lakemill.formats.jit import compiled, inner


@compiled
def postings(offsets: Any, tokens: Any, weights: Any, vocabulary: int) -> Any:
    """Where each token occurs: starts (vocabulary + 1,) int64, rising rows (z,) int32, weights (z,) float32."""
    starts = np.zeros(vocabulary + 1, np.int64)
    for z in range(tokens.shape[0]):
        starts[tokens[z] + 1] += 1
    for token in range(vocabulary):
        starts[token + 1] += starts[token]
    rows, carried = np.empty(tokens.shape[0], np.int32), np.empty(tokens.shape[0], np.float32)
    heads = starts[:-1].copy()
    for row in range(offsets.shape[0] - 1):
        for z in range(offsets[row], offsets[row + 1]):
            head = heads[tokens[z]]
            rows[head] = row
            carried[head] = weights[z]
            heads[tokens[z]] = head + 1
    return starts, rows, carried


@compiled
def search(
    queries: Any, offsets: Any, tokens: Any, weights: Any, starts: Any, rows: Any, carried: Any, budget: int,
    near: float, least: int, most: int, out_rows: Any, out_others: Any,
) -> Any:  # fmt: skip
    """Find rows similar to those of `queries`; carried: weights in the order of the postings.

    A row's lists are read rarest first until `budget` postings were read. Of the others met, those whose cosine is at
    least `near`, to go by the part of the row that was read, are taken, at most the `most` nearest, and the `least`
    nearest in any case. Writes pairs and returns (queries done, pairs written): it stops before a row for which the
    room may not do.
    """
    n = offsets.shape[0] - 1
    score, met = np.zeros(n, np.float32), np.empty(n + 1, np.int32)
    best, best_at = np.empty(least + 1, np.float32), np.empty(least + 1, np.int32)
    written = 0
    for done in range(queries.shape[0]):
        if written + most + least > out_rows.shape[0]:
            return done, written
        row = queries[done]
        count, read, mass = 0, 0, np.float32(0)
        for z in range(offsets[row], offsets[row + 1]):
            begin, end = starts[tokens[z]], starts[tokens[z] + 1]
            if read + end - begin > budget and read > 0:
                break
            read += end - begin
            weight = weights[z]
            mass += weight * weight
            for p in range(begin, end):
                # Without a branch: whether a record was met already cannot be predicted.
                other = rows[p]
                met[count] = other
                count += score[other] == 0
                score[other] += weight * carried[p]
        score[row] = 0
        above, filled = 0, 0
        reach = near * mass
        for place in range(count):
            value = score[met[place]]
            above += value >= reach
            if filled == least and (least == 0 or value <= best[filled - 1]):
                continue
            at = filled
            while at > 0 and best[at - 1] < value:
                best[at], best_at[at] = best[at - 1], best_at[at - 1]
                at -= 1
            best[at], best_at[at] = value, met[place]
            filled = min(filled + 1, least)
        limit = reach if above <= most else _cut(score, met, count, reach, most)
        for place in range(count):
            other = met[place]
            if score[other] >= limit:
                out_rows[written], out_others[written] = row, other
                written += 1
            score[other] = 0
        for place in range(filled):
            if 0 < best[place] < limit:
                out_rows[written], out_others[written] = row, best_at[place]
                written += 1
    return queries.shape[0], written


@inner
def _cut(score: Any, met: Any, count: int, near: float, most: int) -> float:
    """A limit above `near` that at most `most` of the scores reach, to a 256th of what is between it and 1."""
    bins = np.zeros(257, np.int64)
    for place in range(count):
        value = score[met[place]]
        if value >= near:
            bins[min(256, int((value - near) / (1.0001 - near) * 256))] += 1
    total, at = 0, 257
    while at > 0 and total + bins[at - 1] <= most:
        at -= 1
        total += bins[at]
    return near + at * (1.0001 - near) / 256


@compiled
def cosines(offsets: Any, tokens: Any, weights: Any, left: Any, right: Any, out: Any) -> None:
    """out[p] = the scalar product of rows left[p] and right[p]; -1 in either: not written."""
    for p in range(left.shape[0]):
        if left[p] < 0 or right[p] < 0:
            continue
        a, b = offsets[left[p]], offsets[right[p]]
        a_end, b_end = offsets[left[p] + 1], offsets[right[p] + 1]
        total = np.float32(0)
        while a < a_end and b < b_end:
            if tokens[a] == tokens[b]:
                total += weights[a] * weights[b]
                a += 1
                b += 1
            elif tokens[a] < tokens[b]:
                a += 1
            else:
                b += 1
        out[p] = total


def jaro_winkler(points: Any, offsets: Any, left: Any, right: Any, out: Any) -> None:
    """out[p] = the Jaro-Winkler similarity of the first 64 code points of texts left[p] and right[p].

    -1 in either: not written. Source: Winkler, "String comparator metrics and enhanced decision rules in the
    Fellegi-Sunter model of record linkage", Survey Research Methods Section of the ASA, 1990; prefix weight 0.1.
    """
    _compare(points, offsets, left, right, False, out)


def edits(points: Any, offsets: Any, left: Any, right: Any, out: Any) -> None:
    """out[p] = 1 - edit distance / longer length, of the first 64 code points of texts left[p] and right[p].

    -1 in either: not written. Insertions, deletions, substitutions and swaps of neighbours count one each: optimal
    string alignment. Source: Damerau, "A technique for computer detection and correction of spelling errors", CACM
    7(3), 1964.
    """
    _compare(points, offsets, left, right, True, out)


@inner
def _jaro_winkler(points: Any, a: int, n: int, b: int, m: int) -> float:
    """Of n code points from a on, and m from b on."""
    reach = max(0, max(n, m) // 2 - 1)
    used_a, used_b = np.uint64(0), np.uint64(0)
    common = 0
    for i in range(n):
        for j in range(max(0, i - reach), min(m, i + reach + 1)):
            if points[a + i] == points[b + j] and not (used_b >> np.uint64(j)) & np.uint64(1):
                used_a |= np.uint64(1) << np.uint64(i)
                used_b |= np.uint64(1) << np.uint64(j)
                common += 1
                break
    if common == 0:
        return 0.0
    swapped, j = 0, 0
    for i in range(n):
        if (used_a >> np.uint64(i)) & np.uint64(1):
            while not (used_b >> np.uint64(j)) & np.uint64(1):
                j += 1
            swapped += points[a + i] != points[b + j]
            j += 1
    jaro = (common / n + common / m + (common - swapped / 2) / common) / 3
    prefix = 0
    while prefix < min(4, n, m) and points[a + prefix] == points[b + prefix]:
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro)


@inner
def _edits(points: Any, a: int, n: int, b: int, m: int, rows: Any) -> float:
    """The same, by edit distance. rows: (3, 65) int32, for what is being worked out."""
    for j in range(m + 1):
        rows[0, j] = j
    for i in range(1, n + 1):
        now, before, earlier = i % 3, (i - 1) % 3, (i - 2) % 3
        rows[now, 0] = i
        for j in range(1, m + 1):
            same = points[a + i - 1] == points[b + j - 1]
            cost = min(rows[before, j - 1] + (0 if same else 1), rows[before, j] + 1, rows[now, j - 1] + 1)
            if i > 1 and j > 1 and points[a + i - 1] == points[b + j - 2] and points[a + i - 2] == points[b + j - 1]:
                cost = min(cost, rows[earlier, j - 2] + 1)
            rows[now, j] = cost
    return 1 - rows[n % 3, m] / max(n, m)


@compiled
def _compare(points: Any, offsets: Any, left: Any, right: Any, by_edits: bool, out: Any) -> None:
    rows = np.empty((3, 65), np.int32)
    for p in range(left.shape[0]):
        if left[p] < 0 or right[p] < 0:
            continue
        if left[p] == right[p]:
            out[p] = 1
            continue
        a, b = offsets[left[p]], offsets[right[p]]
        n, m = min(64, offsets[left[p] + 1] - a), min(64, offsets[right[p] + 1] - b)
        out[p] = _edits(points, a, n, b, m, rows) if by_edits else _jaro_winkler(points, a, n, b, m)
