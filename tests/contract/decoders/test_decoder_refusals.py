"""What every decoder refuses, and that it says why."""

import numpy as np
import pytest

from neurodecode.decoders import build_decoder, decoder_types
from neurodecode.errors import ConfigError, DataError

# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"), [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (-1.0, "negative")]
)
def test_counts_that_are_no_counts_are_refused(decoder, value, why):
    X, y = decoder.train
    bad = X.astype(float)
    bad[3, 4, 1] = value
    with pytest.raises(DataError, match=why):
        decoder.fresh().fit(bad, y)
    with pytest.raises(DataError, match=why):
        decoder.fitted.predict(bad)


def test_other_units_are_refused(decoder):
    X, _ = decoder.test
    n_units = X.shape[2]
    with pytest.raises(DataError, match=rf"{n_units} units.* {n_units - 1}"):
        decoder.fitted.predict(X[..., 1:])


def test_a_target_of_another_length_is_refused(decoder):
    X, y = decoder.train
    with pytest.raises(DataError, match="shape"):
        decoder.fresh().fit(X, y[:-1])


def test_a_constant_target_is_refused(decoder):
    X, y = decoder.train
    with pytest.raises(DataError, match=r"nothing to (decode|tell apart)"):
        decoder.fresh().fit(
            X, np.repeat(y[:1], len(y), axis=0) if decoder.fitted.kind != "signal" else np.ones_like(y)
        )


def test_missing_labels_and_values_are_refused(decoder):
    X, y = decoder.train
    if decoder.fitted.kind == "signal":  # NaN in some bins is no error
        with pytest.raises(DataError, match="NaN nearly everywhere"):
            decoder.fresh().fit(X, np.full_like(y, np.nan))
        return
    missing = y.copy()
    missing[3] = "" if decoder.fitted.kind == "class" else np.nan
    with pytest.raises(DataError, match=r"missing|NaN"):
        decoder.fresh().fit(X, missing)
    if decoder.fitted.kind == "class":
        with pytest.raises(DataError, match="missing"):
            decoder.fresh().fit(X, np.where(np.arange(len(X)) == 3, np.nan, 1.0))


def test_bins_without_a_signal_are_left_out_of_the_fit(signal_decoder):
    X, y = signal_decoder.train
    holed = y.copy()
    holed[5, 3:9] = np.nan
    assert np.isfinite(signal_decoder.fresh().fit(X, holed).predict(X)).all()


def test_a_class_with_one_trial_is_refused(class_decoder):
    X, y = class_decoder.train
    lonely = np.where(np.arange(len(y)) == 7, "middle", y)
    with pytest.raises(DataError, match="middle has one trial"):
        class_decoder.fresh().fit(X, lonely)


def test_a_column_that_is_not_there_is_refused(decoder):
    with pytest.raises(DataError, match="no_such"):
        decoder.fresh().fit(decoder.toy.trials, "no_such")


def test_unknown_names_are_refused(name):
    with pytest.raises(ConfigError, match="known: "):
        decoder_types(name[0] + "_")
    with pytest.raises(ConfigError, match="NoSuchDecoder"):
        build_decoder(name[0], "NoSuchDecoder")
