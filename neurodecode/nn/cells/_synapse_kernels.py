"""Leaky units whose synapses facilitate and depress, forward and back, compiled for the CPU by numba."""

from __future__ import annotations

import numpy as np

from neurodecode.nn.cells._loop_parts import add_product, tanh
from neurodecode.nn.compiled import compiled


@compiled
def _send(
    hidden: np.ndarray,
    state: np.ndarray,
    after: np.ndarray,
    sent: np.ndarray,
    synapses: np.ndarray,
    half: np.ndarray,
) -> None:
    """What synapses release (hidden,), and u and x of ``state`` (2, hidden) in the next bin.

    synapses (3, hidden): U, and the shares of u and of 1 - x that stay after a bin. half: half of the spikes in a
    bin at the highest rate.
    """
    used, left, release, keep_used, keep_spent = state[0], state[1], synapses[0], synapses[1], synapses[2]
    one = hidden.dtype.type(1)
    spikes = half[0] * (one + hidden)
    ready = used + release * (one - used)
    for j in range(sent.size):
        sent[j] = ready[j] * left[j] * (one + hidden[j]) / (release[j] + release[j])
    for j in range(sent.size):
        after[0, j] = (used[j] + release[j] * (one - used[j]) * spikes[j]) * keep_used[j]
    for j in range(sent.size):
        after[1, j] = one - (one - left[j] + ready[j] * left[j] * spikes[j]) * keep_spent[j]


@compiled
def synaptic_forward(
    first: int,
    end: int,
    driven: np.ndarray,
    hidden: np.ndarray,
    states: np.ndarray,
    sent: np.ndarray,
    weight: np.ndarray,
    leak: np.ndarray,
    synapses: np.ndarray,
    half: np.ndarray,
) -> None:
    """As ``leaky_forward``, W being applied to what is sent (steps, sequences, hidden), which is filled in.

    states (1 + steps, sequences, 2, hidden): u and x, the first to start from, the others are filled in.
    """
    for step in range(len(driven)):
        for row in range(first, end):
            _send(hidden[step, row], states[step, row], states[step + 1, row], sent[step, row], synapses, half)
        add_product(sent[step][first:end], weight, driven[step][first:end])
        for row in range(first, end):
            new, before, out = driven[step, row], hidden[step, row], hidden[step + 1, row]
            tanh(new)
            for j in range(new.size):
                out[j] = before[j] + leak[j] * (new[j] - before[j])


@compiled
def _send_back(
    hidden: np.ndarray,
    state: np.ndarray,
    to_sent: np.ndarray,
    to_hidden: np.ndarray,
    to_state: np.ndarray,
    to_synapses: np.ndarray,
    synapses: np.ndarray,
    half: np.ndarray,
) -> None:
    """Gradients of ``_send``: to_state holds those of u and x in the next bin, and those of this one after."""
    used, left, release, keep_used, keep_spent = state[0], state[1], synapses[0], synapses[1], synapses[2]
    one = hidden.dtype.type(1)
    two = one + one
    spikes = half[0] * (one + hidden)
    ready = used + release * (one - used)
    to_used, to_spent = to_state[0] * keep_used, to_state[1] * keep_spent
    scaled = to_sent / (two * release)
    to_released = scaled * (one + hidden) - to_spent * spikes  # released: ready times left
    to_spikes = to_used * release * (one - used) - to_spent * ready * left
    to_synapses[0] += to_released * left * (one - used) + to_used * (one - used) * spikes
    to_synapses[0] -= to_sent * ready * left * (one + hidden) / (two * release * release)
    to_synapses[1] += to_state[0] * (used + release * (one - used) * spikes)
    to_synapses[2] -= to_state[1] * (one - left + ready * left * spikes)
    to_hidden += scaled * ready * left + half[0] * to_spikes
    to_state[0] = to_released * left * (one - release) + to_used * (one - release * spikes)
    to_state[1] = to_released * ready + to_spent


@compiled
def synaptic_backward(
    first: int,
    end: int,
    new: np.ndarray,
    hidden: np.ndarray,
    states: np.ndarray,
    outer: np.ndarray,
    to_driven: np.ndarray,
    to_state: np.ndarray,
    to_synaptic: np.ndarray,
    to_leak: np.ndarray,
    to_synapses: np.ndarray,
    weight: np.ndarray,
    leak: np.ndarray,
    synapses: np.ndarray,
    half: np.ndarray,
) -> None:
    """As ``leaky_backward``. to_synaptic (sequences, 2, hidden): of u and x after the last step, then before the
    first; to_synapses (sequences, 3, hidden) starts at zero.
    """
    one = hidden.dtype.type(1)
    to_sent = np.empty((end - first, hidden.shape[2]), hidden.dtype)
    for step in range(len(new) - 1, -1, -1):
        to_sent[:] = 0
        for row in range(first, end):
            value, before, total = new[step, row], hidden[step, row], to_state[row]
            total += outer[step, row]
            to_leak[row] += total * (value - before)
            to_driven[step, row] = total * leak * (one - value * value)
            total *= one - leak
        add_product(to_driven[step][first:end], weight, to_sent)
        for row in range(first, end):
            _send_back(
                hidden[step, row],
                states[step, row],
                to_sent[row - first],
                to_state[row],
                to_synaptic[row],
                to_synapses[row],
                synapses,
                half,
            )
