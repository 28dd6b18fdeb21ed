"""One colour for each model, apart for all eyes, the same in every run."""

import itertools

import numpy as np
import pytest

from neurodecode.models import cell_names
from neurodecode.report.colours import (
    DECODER_COLOURS,
    FAMILY_COLOURS,
    RECORDING,
    SPARE_COLOURS,
    model_colours,
    model_order,
)

# Machado, Oliveira & Fernandes 2009, IEEE Trans Vis Comput Graph 15:1291, full severity, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
APART = 14.0  # CIE 1976 difference; about 2 is just noticeable
CELLS_APART = 18.0  # cells stand beside each other as lines, often all of them
TO_FULL_COLOUR_VISION = 30.0  # how far apart cells are for most eyes


def lab(colour: str, deficiency: object) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    relative = XYZ @ np.clip(np.asarray(deficiency) @ linear, 0, 1) / WHITE
    f = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_families_can_be_told_apart(deficiency):
    seen = {name: lab(colour, DEFICIENCIES[deficiency]) for name, colour in FAMILY_COLOURS.items()}
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > APART, (one, other)


def test_every_cell_has_a_colour_of_its_own():
    assert set(cell_names()) <= set(FAMILY_COLOURS)
    assert len(set(FAMILY_COLOURS.values())) == len(FAMILY_COLOURS)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_cells_can_be_told_apart_from_each_other_and_from_all_families(deficiency):
    seen = {name: lab(colour, DEFICIENCIES[deficiency]) for name, colour in FAMILY_COLOURS.items()}
    bar = TO_FULL_COLOUR_VISION if deficiency == "none" else CELLS_APART
    for cell, other in itertools.product(cell_names(), FAMILY_COLOURS):
        if other != cell and not {cell, other} <= PALETTE_OF_OKABE_AND_ITO:
            assert np.linalg.norm(seen[cell] - seen[other]) > bar, (cell, other)
    for one, other in itertools.combinations(cell_names(), 2):
        assert np.linalg.norm(seen[one] - seen[other]) > bar, (one, other)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_spare_colours_can_be_told_apart_from_all_others(deficiency):
    spare = [lab(colour, DEFICIENCIES[deficiency]) for colour in SPARE_COLOURS]
    taken = {*FAMILY_COLOURS.values(), *DECODER_COLOURS.values()}
    for one, other in itertools.combinations(spare, 2):
        assert np.linalg.norm(one - other) > APART
    for one, colour in itertools.product(spare, taken):
        assert np.linalg.norm(one - lab(colour, DEFICIENCIES[deficiency])) > APART, colour


PALETTE_OF_OKABE_AND_ITO = {"psth", "poisson", "markov", "glm", "lstm", "gru"}
DECODED = {
    "class": ("naive_bayes", "logistic", "lda", "psth_gain", "poisson", "glm", *cell_names()),
    "signal": ("mean", "bayesian", "wiener", "kalman", *cell_names()),
    "value": ("mean", "ridge", *cell_names()),
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("kind", DECODED)
def test_decoders_of_one_kind_can_be_told_apart(kind, deficiency):
    palette = {**FAMILY_COLOURS, **DECODER_COLOURS}
    seen = {name: lab(palette[name], DEFICIENCIES[deficiency]) for name in DECODED[kind]}
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > APART, (one, other)


def test_a_familys_namesake_has_its_colour_whatever_else_runs():
    alone = model_colours({"lstm": "lstm"})
    among = model_colours({"glm": "glm", "lstm": "lstm", "lstm_small": "lstm", "mine": "mine"})
    assert alone["lstm"] == among["lstm"] == FAMILY_COLOURS["lstm"]


def test_other_names_have_stable_colours_of_their_own():
    families = dict.fromkeys(("lstm", "lstm_a", "lstm_b", "lstm_c"), "lstm") | {"new": "mgu", "newer": "mgu"}
    colours = model_colours(families)
    assert colours == model_colours(dict(reversed(families.items())))
    assert len(set(colours.values())) == len(families)


def test_a_name_of_another_family_does_not_take_the_familys_colour():
    colours = model_colours({"glm": "lstm", "lstm": "lstm"})
    assert colours["glm"] not in (FAMILY_COLOURS["glm"], FAMILY_COLOURS["lstm"])


def test_more_models_than_colours_still_have_one_each():
    assert len(model_colours({f"m{i}": "unknown" for i in range(30)})) == 30


def test_models_stand_from_the_plainest_to_the_oracle():
    names = ["oracle", "zzz", "gru", "rnn", "lstm", "glm", "poisson", "psth", "constant", RECORDING]
    wanted = ["constant", "psth", "poisson", "glm", "rnn", "lstm", "gru", "zzz", RECORDING, "oracle"]
    assert model_order({name: name for name in names}) == wanted
