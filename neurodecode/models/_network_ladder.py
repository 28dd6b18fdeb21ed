"""Networks of several shapes, from many weights to few, and the one that validation trials gain most by."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from neurodecode.models._network_paths import Paths
from neurodecode.models._network_share import Share

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Learnt:
    """Networks of one shape, their learning curves, and the share that validation trials keep of what they add."""

    paths: Paths
    networks: tuple[Any, ...]  # nn.network.RateNetwork: naming it here would import torch
    share: Share
    curves: list[dict[str, Any]]

    def soon_overfitted(self, epochs: int) -> bool:
        """Whether all networks predicted validation trials best before half of the epochs.

        The learning rate has not fallen by then: what they learnt afterwards were their training trials by heart.
        """
        return all(curve["best_epoch"] < epochs / 2 for curve in self.curves)


def best_rung(ladder: Sequence[Paths], learn: Callable[[Paths], Learnt], epochs: int) -> Learnt:
    """What ``learn`` makes of the shape that validation gains most by; of the last one where it gains by none.

    The next of the ``ladder``, which has fewer weights, is tried only where validation saw nothing in the one
    before, or where that overfitted early: fewer weights may then find more.
    """
    tried: list[Learnt] = []
    for paths in ladder:
        tried.append(learn(paths))
        log.info("%s: %s", paths.name, tried[-1].share)
        if not (tried[-1].share.fallback or tried[-1].soon_overfitted(epochs)):
            break
    held = [one for one in tried if not one.share.fallback]
    return max(held, key=lambda one: one.share.gain) if held else tried[-1]
