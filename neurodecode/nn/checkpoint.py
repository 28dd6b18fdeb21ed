"""A training on disk: what an epoch needs to be run as if nothing had come between it and the epoch before."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurodecode.data.checkpoints import Checkpoints, current

if TYPE_CHECKING:
    from neurodecode.nn.training import LearningCurve, Optimisation

Weights = dict[str, torch.Tensor]

_SHARE_OF_TIME = 0.02  # that writing may take

log = logging.getLogger(__name__)


@dataclass(eq=False)
class TrainingCheckpoint:
    """One training, called ``title``, under the checkpoints that are open; none open: nothing is kept.

    A checkpoint holds the network, the optimiser, the schedule, the states of the random generators, the learning
    curve, and the weights of the best epoch; ``of_epochs``, where the caller wants them: those of every epoch.
    """

    title: str
    optimisation: Optimisation
    curve: LearningCurve
    of_epochs: list[Weights] | None
    place: Checkpoints | None = field(default_factory=current)
    start: str = ""
    earlier_s: float = 0.0
    began: float = field(default_factory=time.perf_counter)
    due: float = 0.0

    def __post_init__(self) -> None:
        if self.place is not None:
            self.start = self._start()
            self.due = time.monotonic() + self.place.least_s

    @property
    def seconds(self) -> float:
        """That the training has taken, those before an interruption included."""
        return self.earlier_s + time.perf_counter() - self.began

    def restore(self) -> Weights | None:
        """Bring optimisation, curve and weights of epochs to where they were kept; the best epoch's weights.

        None, and nothing is touched, where this training was not begun before.
        """
        found = None if self.place is None else self.place.load(self.title)
        if found is None:
            return None
        arrays, described = found
        if described["start"] != self.start:
            log.warning("%s: not gone on with: it was begun from another start", self.title)
            return None
        run = self.optimisation
        groups: dict[str, Weights] = {}
        for name, values in arrays.items():
            group, _, key = name.partition("/")
            groups.setdefault(group, {})[key] = torch.from_numpy(values)
        run.network.load_state_dict(groups["network"])
        run.optimizer.load_state_dict(_optimiser_state(groups.get("optimizer", {}), described["groups"]))
        run.schedule.load_state_dict(described["schedule"])
        run.rng.bit_generator.state = described["rng"]
        torch.set_rng_state(groups["random"]["cpu"])
        if run.device.type == "cuda":
            torch.cuda.set_rng_state(groups["random"]["cuda"], run.device)
        for name, value in described["curve"].items():
            setattr(self.curve, name, value)
        self.earlier_s = self.curve.seconds
        if self.of_epochs is not None:
            self.of_epochs[:] = [groups[f"epoch{n}"] for n in range(len(self.curve.train))]
        log.info("%s: goes on after epoch %d", self.title, len(self.curve.train) - 1)
        return {name: values.to(run.device) for name, values in groups["best"].items()}

    def save(self, best: Weights, *, over: bool = False) -> None:
        """Keep what there is after an epoch, if the last time is long enough ago, or the training is ``over``.

        A training shorter than that is not kept at all.
        """
        if self.place is None:
            return
        if time.monotonic() < self.due and not (over and self.seconds > self.place.least_s):
            return
        started = time.monotonic()
        run = self.optimisation
        random = {"cpu": torch.get_rng_state()}
        if run.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(run.device)
        state = run.optimizer.state_dict()
        moments = {f"{n}.{key}": values for n, one in state["state"].items() for key, values in one.items()}
        groups = {"network": run.network.state_dict(), "best": best, "random": random, "optimizer": moments}
        groups |= {f"epoch{n}": weights for n, weights in enumerate(self.of_epochs or [])}
        self.curve.seconds = self.seconds
        self.place.save(
            self.title,
            {f"{g}/{k}": v.detach().cpu().numpy() for g, named in groups.items() for k, v in named.items()},
            {
                "start": self.start,
                "groups": state["param_groups"],
                "schedule": run.schedule.state_dict(),
                "rng": run.rng.bit_generator.state,
                "curve": asdict(self.curve),
            },
        )
        now = time.monotonic()
        self.due = now + max(self.place.least_s, (now - started) / _SHARE_OF_TIME)

    def _start(self) -> str:
        """A digest of all that the training begins with, its trials apart, which are the fit's identity."""
        run = self.optimisation
        told = [asdict(run.plan), run.rng.bit_generator.state, run.device.type, str(run.network)]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        digest.update(torch.get_rng_state().numpy().tobytes())
        for name, values in run.network.state_dict().items():
            digest.update(name.encode() + np.ascontiguousarray(values.cpu().numpy()).tobytes())
        return digest.hexdigest()


def _optimiser_state(moments: Weights, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``Optimizer.load_state_dict`` takes."""
    state: dict[int, Weights] = {}
    for name, values in moments.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = values
    return {"state": state, "param_groups": [group | {"betas": tuple(group["betas"])} for group in groups]}
