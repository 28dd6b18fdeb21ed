"""What matrices and clouds of states say in one number: spectral radius, gain, participation ratio."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def spectral_radius(matrix: Float[np.ndarray, "n n"]) -> float:
    """Largest modulus of an eigenvalue: how much what lasts grows in a step."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def gain(matrix: Float[np.ndarray, "n n"]) -> float:
    """Largest singular value: how much one step can stretch a state at most.

    It exceeds the spectral radius where the matrix is not normal: what grows at first may decay all the same.
    """
    return float(np.linalg.svd(matrix, compute_uv=False)[0])


def participation_ratio(states: Float[np.ndarray, "samples n"]) -> float:
    """How many dimensions states fill: (sum of variances)^2 over the sum of their squares, of the principal ones.

    1 for a line, n for a ball; 0 where nothing varies. Source: Rajan, Abbott & Sompolinsky 2010, NeurIPS; Gao et
    al. 2017, bioRxiv 214262.
    """
    centred = states - states.mean(axis=0)
    covariance = centred.T @ centred
    total, squares = np.trace(covariance), float((covariance**2).sum())
    return 0.0 if squares == 0.0 else float(total**2 / squares)
