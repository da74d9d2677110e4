"""Compiled loops over the words of documents. Documents are CSR: rows' ends `ptr`, words `idx`, counts."""

import numpy as np

from lakemill.formats.jit import compiled, summing


@summing
def dots(ptr, idx, theta, words, found):
    """found[e] = theta[d] . words[w] for every entry e, of word w in document d."""
    topics = theta.shape[1]
    for d in range(len(ptr) - 1):
        mixture = theta[d]
        for e in range(ptr[d], ptr[d + 1]):
            word = words[idx[e]]
            total = 0.0
            for k in range(topics):
                total += mixture[k] * word[k]
            found[e] = total


@compiled
def count(idx, first, weight, z, n):
    """Add every token's weight to its word and topic, n (V, K)."""
    for e in range(len(idx)):
        row = n[idx[e]]
        for i in range(first[e], first[e + 1]):
            row[z[i]] += weight[e]


@summing
def sweep(begin, end, ptr, idx, first, weight, z, uniform, n, nk, alpha, eta, alive, share):
    """Draw the topic of every token of the documents begin..end anew, given all others.

    n (V, K) float32 and nk (K,) float64 are the weights of the tokens by word and topic; alive (K,) is 0 for a topic
    that tokens may leave only. share (K,) takes up the documents' mixtures.
    """
    topics = n.shape[1]
    smooth = n.shape[0] * eta
    inverse = np.empty(topics, np.float32)
    chances = np.empty(topics, np.float32)
    own = np.empty(topics, np.float32)
    alpha0 = np.float32(0)
    for k in range(topics):
        inverse[k] = alive[k] / (nk[k] + smooth)
        alpha0 += alpha[k]
    offset = first[ptr[begin]]
    for d in range(begin, end):
        own[:] = 0
        length = np.float32(0)
        for e in range(ptr[d], ptr[d + 1]):
            for i in range(first[e], first[e + 1]):
                own[z[i]] += weight[e]
                length += weight[e]
        for e in range(ptr[d], ptr[d + 1]):
            row = n[idx[e]]
            w = weight[e]
            for i in range(first[e], first[e + 1]):
                old = z[i]
                own[old] = max(own[old] - w, np.float32(0))
                row[old] = max(row[old] - w, np.float32(0))
                nk[old] = max(nk[old] - w, 0.0)
                inverse[old] = alive[old] / (nk[old] + smooth)
                total = np.float32(0)
                for k in range(topics):
                    chance = (row[k] + eta) * (own[k] + alpha[k]) * inverse[k]
                    chances[k] = chance
                    total += chance
                point = uniform[i - offset] * total
                new = 0
                reached = chances[0]
                while reached < point and new < topics - 1:
                    new += 1
                    reached += chances[new]
                while alive[new] == 0:  # Rounding may lead past the last topic that has a chance.
                    new -= 1
                z[i] = new
                own[new] += w
                row[new] += w
                nk[new] += w
                inverse[new] = alive[new] / (nk[new] + smooth)
        if length > 0:
            for k in range(topics):
                share[k] += (own[k] + alpha[k]) / (length + alpha0)
