"""Linear discriminant analysis of counts of stretches of the trial, with a shrunk covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from neurodecode.decoders._linear import LinearClassDecoder
from neurodecode.errors import ConfigError
from neurodecode.metrics.classification import class_prior

MOST_FEATURES = 4000
"""The covariance of more would take gigabytes."""


@dataclass(eq=False, repr=False, kw_only=True)
class LDADecoder(LinearClassDecoder):
    """Classes differ in their means and share one covariance, which is shrunk toward a multiple of identity: by
    ``shrinkage`` in [0, 1], or by as much as Ledoit and Wolf's formula says for the residuals of all classes
    (``auto``; scikit-learn's own shrinks each class's covariance, which needs more than one trial of each).

    Sources: Fisher 1936, Ann Eugen 7:179; Friedman 1989, J Am Stat Assoc 84:165; Ledoit & Wolf 2004, J Multivar
    Anal 88:365.
    """

    chosen = "shrinkage"
    bin_size_s: float | None = None
    n_stretches: tuple[int, ...] = (1, 2, 4, 8, 16)
    shrinkage: float | Literal["auto"] = "auto"
    random_state: int = 0

    def _settings(self, n_features: int) -> Sequence[float | str]:
        """The one shrinkage, unless there are too many features."""
        if self.shrinkage != "auto" and not (isinstance(self.shrinkage, int | float) and 0 <= self.shrinkage <= 1):
            raise ConfigError(f"lda: shrinkage must be 'auto' or lie in [0, 1], got {self.shrinkage!r}")
        return [self.shrinkage] if n_features <= MOST_FEATURES else []

    def _fit_linear(
        self,
        features: Float[np.ndarray, "trials features"],
        codes: Int[np.ndarray, " trials"],
        setting: float | str,
    ) -> tuple[Float[np.ndarray, "classes features"], Float[np.ndarray, " classes"]]:
        from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

        n_classes = self.classes_.size
        means = np.stack([features[codes == code].mean(axis=0) for code in range(n_classes)])
        residuals = features - means[codes]
        if setting == "auto":
            covariance, _ = ledoit_wolf(residuals, assume_centered=True)
        else:
            empirical = empirical_covariance(residuals, assume_centered=True)
            covariance = shrunk_covariance(empirical, shrinkage=setting)
        coef = np.linalg.lstsq(covariance, means.T, rcond=None)[0].T
        intercept = -0.5 * (means * coef).sum(axis=1) + np.log(class_prior(codes, n_classes))
        return coef, intercept


DECODERS = (LDADecoder,)
EXAMPLE: dict[str, Any] = {"n_stretches": [1, 2]}
