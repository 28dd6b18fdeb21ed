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
    one, most = hidden.dtype.type(1), half[0]
    for j in range(sent.size):
        ready = used[j] + release[j] * (one - used[j])
        sent[j] = ready * left[j] * (one + hidden[j]) / (release[j] + release[j])
    for j in range(sent.size):
        after[0, j] = (used[j] + release[j] * (one - used[j]) * most * (one + hidden[j])) * keep_used[j]
    for j in range(sent.size):
        ready = used[j] + release[j] * (one - used[j])
        after[1, j] = one - (one - left[j] + ready * left[j] * most * (one + hidden[j])) * keep_spent[j]


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
    one, most = hidden.dtype.type(1), half[0]
    for j in range(hidden.size):
        used, left, release = state[0, j], state[1, j], synapses[0, j]
        spikes = most * (one + hidden[j])
        unused, ready = one - used, used + release * (one - used)
        to_used, to_spent = to_state[0, j] * synapses[1, j], to_state[1, j] * synapses[2, j]
        scaled = to_sent[j] / (release + release)
        to_released = scaled * (one + hidden[j]) - to_spent * spikes  # released: ready times left
        to_release = to_released * left * unused + to_used * unused * spikes
        to_synapses[0, j] += to_release - scaled * ready * left * (one + hidden[j]) / release
        to_synapses[1, j] += to_state[0, j] * (used + release * unused * spikes)
        to_synapses[2, j] -= to_state[1, j] * (one - left + ready * left * spikes)
        to_hidden[j] += scaled * ready * left + most * (to_used * release * unused - to_spent * ready * left)
        to_state[0, j] = to_released * left * (one - release) + to_used * (one - release * spikes)
        to_state[1, j] = to_released * ready + to_spent


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
            value, before, reaching = new[step, row], hidden[step, row], outer[step, row]
            total, driven, leaking = to_state[row], to_driven[step, row], to_leak[row]
            for j in range(value.size):
                total[j] += reaching[j]
                leaking[j] += total[j] * (value[j] - before[j])
                driven[j] = total[j] * leak[j] * (one - value[j] * value[j])
                total[j] *= one - leak[j]
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
