"""What likelihood decoding asks of a fitted encoding model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.decoders._class_parts import held_out_trials
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models import FittedModel
from neurodecode.models._recurrent import FittedRecurrent
from neurodecode.models.glm import FittedGLM


def bin_log_likelihood(encoding: FittedModel, trials: Trials) -> Float[np.ndarray, "trials bins"]:
    """Log-likelihood (nats) of each trial and bin, summed over units, given the trials' conditions."""
    shape = trials.window_counts.shape
    arrays = trials.window_counts, encoding.intensity(trials), np.broadcast_to(trials.window_mask, shape)
    # The formula of likelihood.py sums over bins: bins and units change places.
    counts, rate_hz, mask = (np.swapaxes(values, 1, 2) for values in arrays)
    return trial_log_likelihood(counts, rate_hz, trials.bin_size_s, mask)


def before_validation(
    encoding: FittedModel, trials: Trials, validation: Trials, rng: np.random.Generator
) -> FittedModel:
    """The model as it is without the validation trials, which every model averages over together with training.

    Of a GLM and of networks the fit to training trials, on which they were chosen; networks themselves were
    trained on nothing else. Of other models a new fit, with an eighth of the training trials to choose on.
    """
    if isinstance(encoding, FittedGLM):
        return encoding.model.fit_training(trials, validation)
    if isinstance(encoding, FittedRecurrent):
        glm = encoding.model.glm().fit_training(trials, validation)
        return replace(encoding, inputs=replace(encoding.inputs, glm=glm))
    held = held_out_trials(trials.condition, rng)
    rest = np.setdiff1d(np.arange(trials.n_trials), held)
    return encoding.model.fit(trials.select(rest), trials.select(held), rng)
