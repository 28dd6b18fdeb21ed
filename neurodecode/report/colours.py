"""One colour for each model, the same in every figure and table.

The families carry the palette of Okabe and Ito as Wong prints it (2011, Nat Methods 8:441), which stays apart
under the three colour deficiencies. The colours of the other recurrent cells, and the spare ones, were found by a
search for those that are farthest from all others and from each other, as the worst of the four kinds of eyes sees
them; a test simulates these. The recording and its oracle are never a hue.
"""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Mapping

ORACLE, RECORDING = "oracle", "recording"
FAMILY_COLOURS: Mapping[str, str] = {
    ORACLE: "#000000",
    RECORDING: "#4D4D4D",
    "constant": "#BDBDBD",
    "psth": "#E69F00",
    "psth_gain": "#7A4B00",
    "poisson": "#56B4E9",
    "markov": "#CC79A7",
    "glm": "#009E73",
    "reservoir": "#DEC17C",
    "rnn": "#9D0AFF",
    "rate": "#957EF1",
    "low_rank": "#6E0C16",
    "excitatory_inhibitory": "#E93547",
    "short_term_plasticity": "#8F0072",
    "lstm": "#D55E00",
    "gru": "#0072B2",
}
"""Fixed by family; in this order models stand in figures and tables."""

DECODER_COLOURS: Mapping[str, str] = {
    "mean": "#BDBDBD",
    "naive_bayes": "#E69F00",
    "bayesian": "#E69F00",
    "logistic": "#CC79A7",
    "wiener": "#CC79A7",
    "ridge": "#CC79A7",
    "lda": "#332288",
    "kalman": "#332288",
}
"""Decoders that read no model of spikes: aggregates in the colours of the constant rate and the PSTH, ridge and
logistic regression in one. Families of one colour decode different kinds of target."""

TERM_COLOURS: Mapping[str, str] = {
    "drive": "#56B4E9",
    "slow_gain": "#7A4B00",
    "own_below_10ms": "#00664B",
    "own_above_10ms": "#66C2A3",
    "other_units": "#CC79A7",
    "glm_in_its_place": "#009E73",
}
"""Terms of a decomposed gain, after the family that is known for each; what a network adds has its own colour."""

SPARE_COLOURS = ("#A4D19F", "#6614B8", "#452145", "#00E043", "#5C7C3C")
"""Of families that are not known here, such as one that a user adds."""

_LIGHTNESS = (0.62, 0.28, 0.75, 0.2, 0.5)  # shades of a family for entries of another name


def model_order(families: Mapping[str, str]) -> list[str]:
    """The models' names from the plainest family to the richest, the recording and its oracle last."""
    plain_first = [f for f in FAMILY_COLOURS if f not in (ORACLE, RECORDING)]
    ranks = {family: rank for rank, family in enumerate([*plain_first, None, RECORDING, ORACLE])}
    return sorted(families, key=lambda name: (ranks.get(families[name], ranks[None]), name))


def model_colours(families: Mapping[str, str], palette: Mapping[str, str] = FAMILY_COLOURS) -> dict[str, str]:
    """Hex colour of each model, from its name and family; ``palette``: the colours of families.

    A name that is its family's has the family's colour. Other entries of that family take shades of it, models
    of unknown families a spare colour; both follow from the name, and move only where two would meet.
    """
    colours = {name: palette[name] for name in families if palette.get(name) and _plain(name, families)}
    for name in sorted(families.keys() - colours.keys()):
        choices = _shades(families[name], palette)
        start = zlib.crc32(name.encode())
        ordered = [choices[(start + step) % len(choices)] for step in range(len(choices))]
        colours[name] = next((c for c in ordered if c not in colours.values()), ordered[0])
    return colours


def _plain(name: str, families: Mapping[str, str]) -> bool:
    return families[name] in (name, "")


def _shades(family: str, palette: Mapping[str, str]) -> list[str]:
    if family not in palette:
        return list(SPARE_COLOURS)
    red, green, blue = (int(palette[family][i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    apart = [value for value in _LIGHTNESS if abs(value - lightness) > 0.05]
    return [_hex(*colorsys.hls_to_rgb(hue, value, saturation)) for value in apart]


def _hex(red: float, green: float, blue: float) -> str:
    return "#{:02X}{:02X}{:02X}".format(*(round(255 * part) for part in (red, green, blue)))
