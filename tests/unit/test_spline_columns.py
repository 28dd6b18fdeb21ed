"""Splines of conditions are multiplied without being written out: the same products as of the dense design."""

import numpy as np
import pytest

from neurodecode.features.bsplines import bspline_basis
from neurodecode.models._newton import Design
from neurodecode.models._spline_columns import SplineColumns


@pytest.mark.parametrize("n_conditions", [1, 2, 5])
def test_products_are_those_of_the_dense_design(n_conditions):
    rng = np.random.default_rng(0)
    basis = bspline_basis(60, 7)
    seen = rng.random(n_conditions * 60) < 0.7
    if n_conditions > 2:
        seen[60:120] = False  # a condition of which nothing was observed
    own = np.kron(np.eye(n_conditions), basis)
    written_out = own if n_conditions == 1 else np.hstack([np.tile(basis, (n_conditions, 1)), own])
    dense, sparse = Design.plain(written_out[seen]), SplineColumns.of(basis, seen)
    assert sparse.n_columns == dense.n_columns
    weights, values = rng.normal(size=dense.n_columns), rng.random(seen.sum())
    np.testing.assert_allclose(sparse.product(weights), dense.product(weights), atol=1e-12)
    np.testing.assert_allclose(sparse.transposed_product(values), dense.transposed_product(values), atol=1e-12)
    np.testing.assert_allclose(sparse.gram(values), dense.gram(values), atol=1e-12)
