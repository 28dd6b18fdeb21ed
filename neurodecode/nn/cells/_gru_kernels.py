"""The recurrence of a GRU, forward and back, compiled for this machine's CPU by numba.

On a CPU torch has an LSTM in one piece, but runs a GRU in a dozen operations a step. Here it is one loop over
time; nothing is shared between sequences, so threads take parts of a batch.
"""

from __future__ import annotations

import numpy as np

from neurodecode.nn.cells._loop_parts import add_product, sigmoid, tanh
from neurodecode.nn.compiled import compiled


@compiled
def gru_forward(
    first: int,
    end: int,
    gates: np.ndarray,
    inner: np.ndarray,
    hidden: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
) -> None:
    """gates (steps, sequences, 3 hidden): what drives r, z and n becomes what they are. weight: W_hh transposed.

    inner (steps, sequences, hidden): W_hn h + bias, is filled in. hidden (1 + steps, sequences, hidden): the first
    is the state to start from, the others are filled in.
    """
    size = hidden.shape[2]
    now = np.empty((end - first, 3 * size), hidden.dtype)
    for step in range(len(gates)):
        for row in range(end - first):
            gate = gates[step, first + row]
            for j in range(2 * size):
                now[row, j] = gate[j]
            for j in range(size):
                now[row, 2 * size + j] = bias[j]
        add_product(hidden[step][first:end], weight, now)
        for row in range(end - first):
            gate, recurrent = gates[step, first + row], inner[step, first + row]
            before, out = hidden[step, first + row], hidden[step + 1, first + row]
            sigmoid(now[row, : 2 * size])
            for j in range(size):
                recurrent[j] = now[row, 2 * size + j]
                gate[2 * size + j] += now[row, j] * recurrent[j]
            tanh(gate[2 * size :])
            for j in range(size):
                new = gate[2 * size + j]
                out[j] = new + now[row, size + j] * (before[j] - new)
            for j in range(2 * size):
                gate[j] = now[row, j]


@compiled
def gru_backward(
    first: int,
    end: int,
    gates: np.ndarray,
    inner: np.ndarray,
    hidden: np.ndarray,
    outer: np.ndarray,
    to_driven: np.ndarray,
    to_inner: np.ndarray,
    to_state: np.ndarray,
    weight: np.ndarray,
) -> None:
    """gates, inner, hidden: as ``gru_forward`` left them. weight: W_hh itself.

    outer (steps, sequences, hidden): gradient that reaches each step's output. to_driven and to_inner, shaped as
    gates and inner, are filled with the gradients of what drove the gates and of inner. to_state (sequences,
    hidden): gradient of the state after the last step becomes that of the state before the first.
    """
    size = hidden.shape[2]
    one = hidden.dtype.type(1)
    back, dh = np.empty((end - first, 3 * size), hidden.dtype), np.empty(size, hidden.dtype)
    for step in range(len(gates) - 1, -1, -1):
        for row in range(first, end):
            gate, recurrent, before = gates[step, row], inner[step, row], hidden[step, row]
            r, z, new = gate[:size], gate[size : 2 * size], gate[2 * size :]
            driven, reaching, total, to_gates = (
                to_driven[step, row],
                outer[step, row],
                to_state[row],
                back[row - first],
            )
            to_r, to_z, to_n = driven[:size], driven[size : 2 * size], driven[2 * size :]
            # One result to a loop: with more, the compiler gives up proving that arrays do not overlap.
            for j in range(size):
                dh[j] = total[j] + reaching[j]
            for j in range(size):
                total[j] = dh[j] * z[j]
            for j in range(size):
                to_n[j] = dh[j] * (one - z[j]) * (one - new[j] * new[j])
            for j in range(size):
                to_z[j] = dh[j] * (before[j] - new[j]) * z[j] * (one - z[j])
            for j in range(size):
                to_r[j] = to_n[j] * recurrent[j] * r[j] * (one - r[j])
            for j in range(2 * size):
                to_gates[j] = driven[j]
            for j in range(size):
                to_gates[2 * size + j] = to_n[j] * r[j]
            to_inner[step, row, :] = to_gates[2 * size :]
        add_product(back, weight, to_state[first:end])
