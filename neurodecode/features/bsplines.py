"""B-splines over the steps of a trial (de Boor 1978, A Practical Guide to Splines)."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import BSpline

DEGREE = 3


def bspline_basis(n_steps: int, n_splines: int) -> Float[np.ndarray, "steps splines"]:
    """Cubic B-splines with equally spaced knots over ``n_steps`` steps; they are >= 0 and sum to 1 everywhere.

    ``n_splines`` is at least 4, and at most one a step is of use.
    """
    inner = np.linspace(0.0, 1.0, n_splines - DEGREE + 1)
    knots = np.concatenate([np.zeros(DEGREE), inner, np.ones(DEGREE)])
    basis: np.ndarray = BSpline.design_matrix((np.arange(n_steps) + 0.5) / n_steps, knots, DEGREE).toarray()
    return basis


def roughness_basis(
    n_steps: int, n_splines: int
) -> tuple[Float[np.ndarray, "steps splines"], Float[np.ndarray, " splines"]]:
    """The B-splines turned so that the squared second differences of their coefficients are a plain ridge.

    Returns the turned basis and the weight of each column's square in the roughness: 0 for the two columns that
    make straight lines. Source: Eilers & Marx 1996, Stat Sci 11:89, eq. 5; Currie & Durban 2002, Stat Model 2:333.
    """
    differences = np.diff(np.eye(n_splines), n=2, axis=0)
    weights, turn = np.linalg.eigh(differences.T @ differences)
    basis: np.ndarray = bspline_basis(n_steps, n_splines) @ turn
    return basis, np.where(weights < 1e-9, 0.0, weights)
