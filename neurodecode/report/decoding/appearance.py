"""How decoders are told apart in figures: colours, order, marks of those that see the future.

A likelihood decoder has the colour of the encoding model that it reads, and is dashed; a decoder that is not
causal has a hollow mark and says so in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurodecode.config.decoders import LIKELIHOOD
from neurodecode.report.colours import DECODER_COLOURS, FAMILY_COLOURS, model_colours, model_order
from neurodecode.report.style import shortened

NOT_CAUSAL = "not causal"
DASHES = (0.0, (3.5, 1.6))
_PLAIN = ("mean", "naive_bayes", "bayesian", "ridge", "wiener", "kalman", "logistic", "lda")


def is_likelihood(family: str) -> bool:
    """Whether a decoder reads an encoding model; ``family`` as of ``baselines_of``."""
    return family == LIKELIHOOD or family.startswith(f"{LIKELIHOOD}:")


def decoder_order(families: Mapping[str, str], causal: Mapping[str, bool]) -> list[str]:
    """Aggregates first, then linear decoders, likelihood decoders in the order of their models, networks."""
    of_model = {f: place for place, f in enumerate(model_order({f: f for f in FAMILY_COLOURS}))}

    def rank(name: str) -> tuple[int, int, bool, str]:
        family = families[name]
        late = not causal.get(name, True)
        if family in _PLAIN:
            return 0, _PLAIN.index(family), late, name
        group = 1 if is_likelihood(family) else 2
        return group, of_model.get(family.split(":")[-1], len(of_model)), late, name

    return sorted(families, key=rank)


def decoder_colours(
    families: Mapping[str, str], read: Mapping[str, str], models: Mapping[str, str]
) -> dict[str, str]:
    """Hex colour of each decoder.

    families: decoder -> family, as of ``baselines_of``. read: likelihood decoder -> the encoding model that it
    reads; models: encoding model -> its family.
    """
    of_models = model_colours(models)
    alone = {name: family.split(":")[-1] for name, family in families.items() if name not in read}
    own = model_colours(alone, {**FAMILY_COLOURS, **DECODER_COLOURS})
    return {name: of_models[read[name]] if name in read else own[name] for name in families}


def told(name: str, causal: Mapping[str, bool], between: str = " ") -> str:
    """The decoder's name, shortened, and whether it is not causal."""
    return shortened(name) + ("" if causal[name] else f"{between}({NOT_CAUSAL})")


def line_of(family: str) -> Any:
    """The style of a decoder's line."""
    return DASHES if is_likelihood(family) else "-"


def mark_of(name: str, families: Mapping[str, str], causal: Mapping[str, bool], colour: str) -> dict[str, Any]:
    """Keywords of a decoder's mark: squares read a model of spikes; hollow ones are not causal."""
    return {
        "marker": "s" if is_likelihood(families[name]) else "o",
        "markerfacecolor": colour if causal[name] else "white",
        "markeredgecolor": colour if not causal[name] else "white",
        "markeredgewidth": 1.8 if not causal[name] else 1.0,
        "markersize": 8.0,
        "linestyle": "none",
    }
