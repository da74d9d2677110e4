"""The loops of the training, compiled. Rows and places are int32, numbers float32."""

import numpy as np

from lakemill.formats.jit import compiled, summing

_ONE, _ZERO = np.float32(1), np.float32(0)


@compiled
def lookup(addresses, starts, owners, halves, nodes):  # type: ignore[no-untyped-def]
    """PrefixTree.nodes, by the upper half of an address first; fills nodes."""
    for i in range(len(addresses)):
        one = np.int64(addresses[i])
        low, high = halves[one >> 16] - 1, halves[(one >> 16) + 1]
        while high - low > 1:
            middle = (low + high) >> 1
            if starts[middle] <= one:
                low = middle
            else:
                high = middle
        nodes[i] = owners[low]


@compiled
def forget(nodes, parents, counts, chances):  # type: ignore[no-untyped-def]
    """Leave a node for its parent with the chance of 1 in its count: see `trainer`. chances : (n,) in [0, 1)."""
    for i in range(len(nodes)):
        node, chance = nodes[i], chances[i]
        while node > 0 and chance * counts[node] < 1:
            chance *= counts[node]  # What is left of it is as even as before.
            node = parents[node]
        nodes[i] = node


@compiled
def numbered(keys, numbers, different, places):  # type: ignore[no-untyped-def]
    """Number keys by their first appearance.

    numbers : -1 for every key, and -1 again at the end. Fills different (the keys in that order) and places (the number
    of each key); returns how many differ.
    """
    count = 0
    for i in range(len(keys)):
        key = keys[i]
        if numbers[key] < 0:
            numbers[key] = count
            different[count] = key
            count += 1
        places[i] = numbers[key]
    for i in range(count):
        numbers[different[i]] = -1
    return count


@compiled
def path_sums(nodes, parents, table, sums):  # type: ignore[no-untyped-def]
    """sums : (n, d), filled with the table's rows of each node and its ancestors, added up."""
    for i in range(len(nodes)):
        node = nodes[i]
        into = sums[i]
        into[:] = table[node]
        while node > 0:
            node = parents[node]
            row = table[node]
            for c in range(len(row)):
                into[c] += row[c]


@compiled
def path_gradients(nodes, parents, gradients, numbers, touched, sums):  # type: ignore[no-untyped-def]
    """The way back of path_sums: fills touched with the nodes and their ancestors, sums with their gradients.

    numbers : -1 for every node, and -1 again at the end; sums : zeros. Returns how many nodes are touched.
    """
    count = 0
    for i in range(len(nodes)):
        node = nodes[i]
        row = gradients[i]
        while node >= 0:
            if numbers[node] < 0:
                numbers[node] = count
                touched[count] = node
                count += 1
            into = sums[numbers[node]]
            for c in range(len(row)):
                into[c] += row[c]
            node = parents[node]
    for i in range(count):
        numbers[touched[i]] = -1
    return count


@summing
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = _ZERO
    for c in range(len(one)):
        total += one[c] * other[c]
    return total


@compiled
def pairs(entities, nodes, drawn, shifts, e, v, e_gradients, v_gradients, scale):  # type: ignore[no-untyped-def]
    """Loss and gradients of a batch's positive and negative pairs.

    entities, nodes : (n,) places in e and v of the events. drawn : (n, R) places in v of random addresses. shifts :
    (S,): the s-th shuffled negative of an event has the address of the event so many places on; where that is an event
    of the same entity it is left out. e, v : (., d) vectors; the gradients, times scale, are added to the like-shaped
    arrays. Returns the loss summed, how many pairs were right, and how many there were.
    """
    loss, right, count = 0.0, 0, 0
    n, width = len(entities), e.shape[1]
    for i in range(n):
        mine = entities[i]
        one, into = e[mine], e_gradients[mine]
        for k in range(1 + drawn.shape[1] + len(shifts)):
            positive = k == 0
            if positive:
                node = nodes[i]
            elif k <= drawn.shape[1]:
                node = drawn[i, k - 1]
            else:
                place = (i + shifts[k - 1 - drawn.shape[1]]) % n
                if entities[place] == mine:
                    continue
                node = nodes[place]
            other = v[node]
            score = _dot(one, other)
            small = np.exp(-abs(score))
            chance = (_ONE if score >= 0 else small) / (_ONE + small)
            loss += np.log1p(small) + max(_ZERO, -score if positive else score)
            right += (score > 0) == positive
            count += 1
            step = np.float32((chance - (_ONE if positive else _ZERO)) * scale)
            back = v_gradients[node]
            for c in range(width):
                into[c] += step * other[c]
                back[c] += step * one[c]
    return loss, right, count


@summing
def adam(rows, table, means, squares, gradients, rate, correction, decay):  # type: ignore[no-untyped-def]
    """One step of Adam for some rows of a table, (., d): rows[i] has the gradient gradients[i], which is overwritten.

    means : (., d) first moments. squares : (.,) second moments, one for each row: the mean square of its gradient.
    rate : the learning rate over the first moments' bias. correction : 1 over the second moments' bias.
    """
    width = np.float32(table.shape[1])
    for i in range(len(rows)):
        row, mean, gradient = table[rows[i]], means[rows[i]], gradients[i]
        total = _ZERO
        for c in range(len(row)):
            one = gradient[c] + decay * row[c]
            gradient[c] = one
            total += one * one
        squares[rows[i]] = np.float32(0.999) * squares[rows[i]] + np.float32(0.001) * total / width
        step = rate / (np.sqrt(squares[rows[i]] * correction) + np.float32(1e-8))
        for c in range(len(row)):
            mean[c] = np.float32(0.9) * mean[c] + np.float32(0.1) * gradient[c]
            row[c] -= step * mean[c]
