"""The recurrence of leaky units, forward and back, compiled for this machine's CPU by numba.

h' = h + a (tanh(W h + what drives it) - h). Nothing is shared between sequences: threads take parts of a batch.
"""

from __future__ import annotations

import numpy as np

from neurodecode.nn.cells._loop_parts import add_product, tanh
from neurodecode.nn.compiled import compiled


@compiled
def leaky_forward(
    first: int, end: int, driven: np.ndarray, hidden: np.ndarray, weight: np.ndarray, leak: np.ndarray
) -> None:
    """driven (steps, sequences, hidden): what drives the units becomes the tanh. weight: W transposed.

    hidden (1 + steps, sequences, hidden): the first is the state to start from, the others are filled in.
    leak (hidden,): a.
    """
    for step in range(len(driven)):
        add_product(hidden[step][first:end], weight, driven[step][first:end])
        for row in range(first, end):
            new, before, out = driven[step, row], hidden[step, row], hidden[step + 1, row]
            tanh(new)
            for j in range(new.size):
                out[j] = before[j] + leak[j] * (new[j] - before[j])


@compiled
def leaky_backward(
    first: int,
    end: int,
    new: np.ndarray,
    hidden: np.ndarray,
    outer: np.ndarray,
    to_driven: np.ndarray,
    to_state: np.ndarray,
    to_leak: np.ndarray,
    weight: np.ndarray,
    leak: np.ndarray,
) -> None:
    """new, hidden: as ``leaky_forward`` left them. weight: W itself. to_leak (sequences, hidden) starts at 0.

    outer (steps, sequences, hidden): gradient that reaches each step's output. to_driven is filled with that of
    what drove the units. to_state (sequences, hidden): gradient of the state after the last step becomes that of
    the state before the first.
    """
    one = hidden.dtype.type(1)
    for step in range(len(new) - 1, -1, -1):
        for row in range(first, end):
            value, before, reaching = new[step, row], hidden[step, row], outer[step, row]
            total, driven, leaking = to_state[row], to_driven[step, row], to_leak[row]
            # One result to a loop: with more, the compiler gives up proving that arrays do not overlap.
            for j in range(value.size):
                total[j] += reaching[j]
            for j in range(value.size):
                leaking[j] += total[j] * (value[j] - before[j])
            for j in range(value.size):
                driven[j] = total[j] * leak[j] * (one - value[j] * value[j])
            for j in range(value.size):
                total[j] *= one - leak[j]
        add_product(to_driven[step][first:end], weight, to_state[first:end])
