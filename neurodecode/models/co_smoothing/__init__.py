"""Co-smoothing: units predicted from the other units alone. A family's file here bears the family's name.

Held-out units are predicted from held-in ones. A fitted co-smoother is handed trials of the held-in units and
nothing else, so that no unit's own spikes can reach its prediction.
Source: Pei et al. 2021, NeurIPS Datasets and Benchmarks (Neural Latents Benchmark, sect. 3).
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from neurodecode.errors import ConfigError
from neurodecode.models import PointProcessModel, cell_names
from neurodecode.models.co_smoothing._base import CoSmoother, DividedTrials, FittedCoSmoother

__all__ = ["ACAUSAL", "CoSmoother", "DividedTrials", "FittedCoSmoother", "co_smoothers", "co_smoothing_families"]

ACAUSAL = "_acausal"
"""What the name of a co-smoother that sees the others' future ends in."""


def co_smoothing_families() -> list[str]:
    """Families that can predict units from others: the files here, and every recurrent cell."""
    own = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted([*own, *cell_names()])


def co_smoothers(name: str, model: PointProcessModel) -> dict[str, CoSmoother]:
    """By name, what predicts units from others in the way of ``model``, with its hyper-parameters.

    One, called ``name``; of a GLM two, the second ``<name>_acausal``, which also sees the others' present and
    future. Raises ConfigError for a family that has no such form.
    """
    if model.family not in co_smoothing_families():
        known = ", ".join(co_smoothing_families())
        raise ConfigError(
            f"{name}: family {model.family!r} cannot predict units from others; those that can: {known}"
        )
    file = "_recurrent" if model.family in cell_names() else model.family
    made: list[CoSmoother] = import_module(f"{__name__}.{file}").co_smoothers(model)
    return {name if one.causal else name + ACAUSAL: one for one in made}
