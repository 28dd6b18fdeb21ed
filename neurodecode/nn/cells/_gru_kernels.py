"""The recurrence of a GRU, forward and back, compiled for this machine's CPU by numba.

On a CPU torch has an LSTM in one piece, but runs a GRU in a dozen operations a step. Here it is one loop over
time; nothing is shared between sequences, so threads take parts of a batch.
"""

from __future__ import annotations

import math
from inspect import unwrap
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from neurodecode.nn.compiled import compiled

# exp(x) = 2^n exp(f), n whole and |f| <= log(2) / 2, where Taylor's sum of seven terms is exact to float32:
# branches and tables would keep a loop from being done in vectors, as does the C library's exp.
_PER_LOG2, _LOG2 = np.float32(1 / math.log(2)), np.float32(math.log(2))
_LOG2_REST = np.float32(math.log(2) - float(_LOG2))
_ONE, _LARGEST = np.float32(1), np.float32(87)
_T2, _T3, _T4, _T5, _T6 = (np.float32(1 / math.factorial(k)) for k in range(2, 7))


@intrinsic  # type: ignore[untyped-decorator]  # numba has no types
def _nearest_whole(_: Any, x: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        rounding = builder.module.declare_intrinsic("llvm.rint", [arguments[0].type])
        return builder.call(rounding, arguments)

    return types.float32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]  # numba has no types
def _power_of_two(_: Any, n: Any) -> Any:
    """2^n for a whole float32: its exponent's bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        bits = ir.IntType(32)
        exponent = builder.add(builder.fptosi(arguments[0], bits), bits(127))
        return builder.bitcast(builder.shl(exponent, bits(23)), ir.FloatType())

    return types.float32(types.float32), generate


def exponential(x: Any) -> Any:
    """exp(x); of float32 to two units in the last place."""
    return np.exp(x)


@overload(exponential, inline="always")  # type: ignore[untyped-decorator]
def _exponential(x: Any) -> Any:
    def of_float64(x: Any) -> Any:
        return np.exp(x)

    def of_float32(x: Any) -> Any:
        x = _LARGEST if x > _LARGEST else x
        x = -_LARGEST if x < -_LARGEST else x
        n = _nearest_whole(x * _PER_LOG2)
        f = (x - n * _LOG2) - n * _LOG2_REST
        return (_ONE + f * (_ONE + f * (_T2 + f * (_T3 + f * (_T4 + f * (_T5 + f * _T6)))))) * _power_of_two(n)

    return unwrap(of_float32 if x == types.float32 else of_float64)


@compiled
def _add_product(left: np.ndarray, right: np.ndarray, total: np.ndarray) -> None:
    """total += left @ right, four rows and four terms at a time."""
    n_rows, n_terms = left.shape
    n_columns = right.shape[1]
    whole, fours = n_rows - n_rows % 4, n_terms - n_terms % 4
    for i in range(0, whole, 4):
        for k in range(0, fours, 4):
            a, b, c, d = left[i, k], left[i, k + 1], left[i, k + 2], left[i, k + 3]
            e, f, g, h = left[i + 1, k], left[i + 1, k + 1], left[i + 1, k + 2], left[i + 1, k + 3]
            p, q, r, s = left[i + 2, k], left[i + 2, k + 1], left[i + 2, k + 2], left[i + 2, k + 3]
            t, u, v, w = left[i + 3, k], left[i + 3, k + 1], left[i + 3, k + 2], left[i + 3, k + 3]
            for j in range(n_columns):
                x, y, z, o = right[k, j], right[k + 1, j], right[k + 2, j], right[k + 3, j]
                total[i, j] += a * x + b * y + c * z + d * o
                total[i + 1, j] += e * x + f * y + g * z + h * o
                total[i + 2, j] += p * x + q * y + r * z + s * o
                total[i + 3, j] += t * x + u * y + v * z + w * o
    for i in range(whole, n_rows):
        for k in range(0, fours, 4):
            a, b, c, d = left[i, k], left[i, k + 1], left[i, k + 2], left[i, k + 3]
            for j in range(n_columns):
                total[i, j] += a * right[k, j] + b * right[k + 1, j] + c * right[k + 2, j] + d * right[k + 3, j]
    for i in range(n_rows):
        for k in range(fours, n_terms):
            a = left[i, k]
            for j in range(n_columns):
                total[i, j] += a * right[k, j]


@compiled
def _sigmoid(values: np.ndarray) -> None:
    one = values.dtype.type(1)
    for j in range(values.size):
        values[j] = one / (one + exponential(-values[j]))


@compiled
def _tanh(values: np.ndarray) -> None:
    one = values.dtype.type(1)
    for j in range(values.size):
        values[j] = one - (one + one) / (one + exponential(values[j] + values[j]))


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
        _add_product(hidden[step][first:end], weight, now)
        for row in range(end - first):
            gate, recurrent = gates[step, first + row], inner[step, first + row]
            before, out = hidden[step, first + row], hidden[step + 1, first + row]
            _sigmoid(now[row, : 2 * size])
            for j in range(size):
                recurrent[j] = now[row, 2 * size + j]
                gate[2 * size + j] += now[row, j] * recurrent[j]
            _tanh(gate[2 * size :])
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
        _add_product(back, weight, to_state[first:end])
