"""Does a model generate trains like the recorded ones? Curves for real and for sampled trains on the same grid.

Every curve takes counts (trials, bins, units) of the window, the mask of observed bins and the bin (s); ``hazard``
and ``adaptation`` also the PSTH's prediction (Hz). What stands in unobserved bins changes no number. Trials are
taken one at a time, so that memory does not grow with the session.
"""

from neurodecode.metrics.autocorrelation import Autocorrelation, autocorrelation
from neurodecode.metrics.hazard import Adaptation, Hazard, ObservedOverExpected, adaptation, hazard, ratio_error
from neurodecode.metrics.intervals import (
    IsiHistogram,
    IsiViolations,
    interval_counts,
    isi_cv,
    isi_distance,
    isi_histogram,
    isi_violations,
)
from neurodecode.metrics.variability import Fano, NoiseCorrelation, fano, noise_correlation

__all__ = [
    "Adaptation",
    "Autocorrelation",
    "Fano",
    "Hazard",
    "IsiHistogram",
    "IsiViolations",
    "NoiseCorrelation",
    "ObservedOverExpected",
    "adaptation",
    "autocorrelation",
    "fano",
    "hazard",
    "interval_counts",
    "isi_cv",
    "isi_distance",
    "isi_histogram",
    "isi_violations",
    "noise_correlation",
    "ratio_error",
]
