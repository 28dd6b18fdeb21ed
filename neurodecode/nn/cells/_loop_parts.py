"""What compiled loops of cells are made of: products of matrices, sigmoid and tanh, in vectors."""

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
def add_product(left: np.ndarray, right: np.ndarray, total: np.ndarray) -> None:
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
def sigmoid(values: np.ndarray) -> None:
    one = values.dtype.type(1)
    for j in range(values.size):
        values[j] = one / (one + exponential(-values[j]))


@compiled
def tanh(values: np.ndarray) -> None:
    one = values.dtype.type(1)
    for j in range(values.size):
        values[j] = one - (one + one) / (one + exponential(values[j] + values[j]))
