"""Fitting all folds of a session writes whole, reproducible files that load again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.models import load_fitted

FILES = {
    "predictions": "predictions.npy",
    "samples": "samples.npz",
    "parameters": "p.safetensors",
    "fit": "fit.json",
}


@pytest.fixture
def stored(toy_trials, tmp_path):
    splits = make_splits(toy_trials.condition, toy_trials.condition_names, 3, np.random.default_rng(0))
    save_trials(tmp_path / "trials.npz", toy_trials)
    save_splits(tmp_path / "splits.csv", splits)

    def fit(folder: str, **model: object) -> dict:
        outputs = {kind: tmp_path / folder / name for kind, name in FILES.items()}
        fit_and_predict(
            trials=tmp_path / "trials.npz",
            splits=tmp_path / "splits.csv",
            model=model,
            name="m",
            session="s",
            seed=1,
            threads=1,
            outputs=outputs,
        )
        return outputs

    return toy_trials, splits, fit


@pytest.mark.parametrize("family", ["psth", "glm"])
def test_every_observed_bin_is_predicted_out_of_fold(stored, family):
    trials, splits, fit = stored
    files = fit("a", family=family)
    rates = np.load(files["predictions"])
    assert rates.dtype == np.float32
    assert_array_equal(np.isnan(rates), np.broadcast_to(~trials.window_mask, rates.shape))
    fitted = load_fitted(files["parameters"], files["fit"])
    assert len(fitted) == 3
    test = trials.select(splits[1].test)
    assert_allclose(
        rates[splits[1].test], np.where(test.window_mask, fitted[1].intensity(test), np.nan), rtol=1e-6
    )


def test_the_same_seed_gives_the_same_files(stored):
    *_, fit = stored
    first, second = fit("a", family="glm", longest_s=0.1), fit("b", family="glm", longest_s=0.1)
    for kind in ("predictions", "samples", "parameters"):
        assert first[kind].read_bytes() == second[kind].read_bytes()
    assert not list(first["fit"].parent.glob("*.part"))
