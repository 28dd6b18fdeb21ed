"""Words of recent spikes: the states of a Markov chain of order k, as nodes of one binary tree.

A word of j bins is the node 2^j + sum_l n(t - l) 2^(l - 1), l = 1 .. j: a leading 1, then the bins, the last one
lowest. Without its oldest bin a word is its suffix, which is its parent in the tree; node 1 is the empty word. A
past of which only the last j bins were observed is thereby a word of j bins, in the same table as longer ones.
Such a tree of suffixes is a context tree (Willems, Shtarkov & Tjalkens 1995, IEEE Trans Inf Theory 41:653).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

EMPTY = 1  # the word of no bins


def words_before(
    spiked: Bool[np.ndarray, "trials steps"], observed: Bool[np.ndarray, "#trials steps"], order: int
) -> UInt[np.ndarray, "trials steps"]:
    """The longest observed word before each step, at most ``order`` bins; nothing precedes the first step."""
    words = np.zeros(spiked.shape, np.uint32)
    bits = spiked.astype(np.uint32)
    for lag in range(1, min(order, spiked.shape[1] - 1) + 1):
        words[:, lag:] |= bits[:, :-lag] << np.uint32(lag - 1)
    leading = np.uint32(1) << _observed_bins(observed, order).astype(np.uint32)
    words &= leading - np.uint32(1)
    words |= leading
    return words


def _observed_bins(observed: np.ndarray, order: int) -> Int[np.ndarray, "#trials steps"]:
    """How many bins without a gap before each step, at most ``order``."""
    steps = np.arange(observed.shape[1])
    gap = np.maximum.accumulate(np.where(observed, -1, steps), axis=1)
    last_gap = np.concatenate([np.full((len(observed), 1), -1), gap[:, :-1]], axis=1)
    bins: Int[np.ndarray, "#trials steps"] = np.minimum(steps - 1 - last_gap, order)
    return bins


def next_words(
    words: Int[np.ndarray, "trials units"],
    spiked: Bool[np.ndarray, "trials units"],
    observed: Bool[np.ndarray, "trials #units"],
    order: Int[np.ndarray, " units"],
) -> Int[np.ndarray, "trials units"]:
    """The words one step on; a bin that was not observed leaves the empty word."""
    longer = words << 1 | spiked
    whole = np.int64(1) << order
    forgetting = np.where(longer >= 2 * whole, longer & (whole - 1) | whole, longer)
    return np.where(observed, forgetting, EMPTY)


def with_suffixes(sums: Float[np.ndarray, "*batch nodes"]) -> Float[np.ndarray, "*batch nodes"]:
    """Sums over the bins that follow each word, from those where it is the longest observed one."""
    out = sums.copy()
    half = sums.shape[-1] // 4
    while half:
        out[..., half : 2 * half] += out[..., 2 * half : 3 * half] + out[..., 3 * half :][..., :half]
        half //= 2
    return out


def multipliers(
    spikes: Float[np.ndarray, "*batch nodes"], expected: Float[np.ndarray, "*batch nodes"], strength: float
) -> Float[np.ndarray, "*batch nodes"]:
    """Observed over expected spikes after each word, shrunk toward that of its suffix; never 0.

    The posterior mean of a rate whose Gamma prior is worth ``strength`` expected spikes. The prior's mean is the
    suffix's multiplier without this word's own bins, which leans in the same way on the bins of the next suffix,
    and so on up to the empty word, which leans on 1. A word that was never seen has what its suffix has. Each bin
    counts once on the way: were a word's bins left in its suffixes, the silence after one spike would count at
    every order again, and refractory bins become ever less likely.
    """
    out, prior = np.ones(spikes.shape), np.ones(spikes.shape)
    for order in range(spikes.shape[-1].bit_length() - 1):
        words = slice(1 << order, 2 << order)
        if order:
            suffix = slice(1 << (order - 1), 1 << order)
            toward, n, m = (np.tile(values[..., suffix], 2) for values in (prior, spikes, expected))
            # Rounding leaves -1e-17 where a word is all that its suffix was seen in.
            n, m = np.maximum(n - spikes[..., words], 0.0), np.maximum(m - expected[..., words], 0.0)
            prior[..., words] = (strength * toward + n) / (strength + m)
        out[..., words] = (strength * prior[..., words] + spikes[..., words]) / (strength + expected[..., words])
    return out


def per_order(values: Float[np.ndarray, "*batch nodes"]) -> Float[np.ndarray, "*batch orders"]:
    """Sums over the words of 0, 1, 2, ... bins."""
    firsts = 2 ** np.arange(values.shape[-1].bit_length() - 1)
    sums: Float[np.ndarray, "*batch orders"] = np.add.reduceat(values, firsts, axis=-1)
    return sums


def log_likelihoods(
    multiplier: Float[np.ndarray, "*batch nodes"],
    spikes: Float[np.ndarray, "*batch nodes"],
    expected: Float[np.ndarray, "*batch nodes"],
) -> Float[np.ndarray, "*batch orders"]:
    """Nats won over a multiplier of 1 by words of at most 0, 1, 2, ... bins.

    ``spikes`` and ``expected`` where each word is the longest observed one. A bin is predicted by the word of that
    many bins, or by the longest there is where fewer were observed.
    """

    def won(n: np.ndarray, m: np.ndarray) -> np.ndarray:
        terms: np.ndarray = n * np.log(multiplier) - m * (multiplier - 1.0)
        return per_order(terms)

    longest = won(spikes, expected)
    shorter = np.cumsum(longest, axis=-1) - longest
    total: Float[np.ndarray, "*batch orders"] = won(with_suffixes(spikes), with_suffixes(expected)) + shorter
    return total
