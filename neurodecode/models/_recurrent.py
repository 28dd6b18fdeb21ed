"""Recurrent networks on top of a spike-history GLM: one class for every cell of ``nn/cells``.

The network adds to the GLM's log-intensity what linear readouts of two recurrent states make of past spikes,
exponential traces of them, the population's gain, the log of the aggregate rate and the covariates: a population
state that sees all units, and a small state of each unit alone, whose weights all units share. It starts as the
GLM, and as much of what it adds is kept as validation trials say: none of it, if need be.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.features.history import HistoryBasis
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._kept import kept_fit
from neurodecode.models._network_inputs import Drive, NetworkInputs
from neurodecode.models._network_ladder import Learnt, best_rung
from neurodecode.models._network_paths import Paths
from neurodecode.models._network_share import Share, chosen_share, what_networks_add
from neurodecode.models._population_gain import PopulationGain
from neurodecode.models._recurrent_stepper import RecurrentStepper
from neurodecode.models._scheduled_sampling import OwnPast
from neurodecode.models._stored_fields import check_hidden
from neurodecode.models.glm import Coupling, SpikeHistoryGLM
from neurodecode.nn.cells import Cell, cell_type, diagnostics_of_cells, extended, taken_from
from neurodecode.nn.device import Device, choose_device
from neurodecode.nn.dropout import Masks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecurrentModel(PointProcessModel):
    """``hidden`` units of the population cell, ``own_hidden`` of the one that each unit has for itself.

    ``seeds`` networks are trained and their log-intensities averaged. ``own_hidden`` 0: no cell of its own; a unit
    recorded alone has none either, since the population cell is it. ``coupling``, ``longest_s``: of the GLM that
    the network starts from. ``dropout_masks``: ``per_sequence`` or ``per_step``. ``segment_bins``:
    longest stretch of backpropagation through time; a longer trial goes on from the state that the stretch before
    left. ``checkpoint_bins``: going back, cells are run forward again in stretches of so many bins, which costs
    time and saves memory; 0: they are not.
    ``burn_in_bins`` before the window warm the state up, unscored.
    ``scheduled_sampling``: share of the past that is the network's own draw in the last epoch of training.
    ``bidirectional``: of decoders alone; True is refused. The hyper-parameters of the cell stand beside these.
    """

    family: ClassVar[str]
    cell_type: ClassVar[type[Cell]]
    hidden: int = 64
    own_hidden: int = 32
    seeds: int = 2
    epochs: int = 20
    batches_per_epoch: int = 10
    segment_bins: int = 1000
    checkpoint_bins: int = 0
    burn_in_bins: int = 100
    scheduled_sampling: float = 0.0
    learning_rate: float = 1e-2
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    dropout: float = 0.3
    dropout_masks: Masks = "per_sequence"
    patience: int = 6
    coupling: Coupling = "auto"
    longest_s: float = 0.5
    device: Device = "auto"
    bidirectional: bool = False

    def __post_init__(self) -> None:
        for name in ("hidden", "seeds", "epochs", "batches_per_epoch", "segment_bins", "patience"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{self.family}: {name} must be >= 1, got {getattr(self, name)}")
        for name in ("learning_rate", "gradient_norm", "longest_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{self.family}: {name} must be positive, got {getattr(self, name)}")
        for name in ("dropout", "scheduled_sampling"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{self.family}: {name} must lie in [0, 1), got {getattr(self, name)}")
        for name in ("own_hidden", "weight_decay", "burn_in_bins", "checkpoint_bins"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{self.family}: {name} must not be negative, got {getattr(self, name)}")
        for name, known in (("device", get_args(Device)), ("dropout_masks", get_args(Masks))):
            if getattr(self, name) not in known:
                raise ConfigError(f"{self.family}: {name} must be one of {known}, got {getattr(self, name)!r}")
        if self.bidirectional:
            raise ConfigError(
                f"{self.family}: bidirectional cells read the future, and an encoding model predicts each bin "
                "from the bins before it; leave it out (decoders may be bidirectional)"
            )
        self.glm()  # checks what it is given
        self.cell()

    def glm(self) -> SpikeHistoryGLM:
        """The GLM that the network starts from."""
        return SpikeHistoryGLM(coupling=self.coupling, longest_s=self.longest_s)

    def cell(self) -> Cell:
        """The hyper-parameters of the cell, checked."""
        return taken_from(self.cell_type, self)

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedRecurrent:
        """Fit the GLM, then train ``seeds`` networks on what it leaves."""
        start = self.glm()
        glm = kept_fit("glm", start, lambda: start.fit_training(trials, validation))
        burn_in = min(trials.lead, self.burn_in_bins)
        drive = Drive.of(glm, trials, burn_in, leave_out=True)
        inputs = NetworkInputs.measured(glm, trials, burn_in=burn_in, drive=drive)
        sequences = inputs.sequences(trials, leave_out=True, drive=drive).cached()
        if self.scheduled_sampling:
            past = OwnPast.of(trials, glm, inputs.history, drive.due, sequences.offset)
            sequences = replace(sequences, remake=past)
        held_out = inputs.sequences(validation, leave_out=False).cached()

        def learnt(paths: Paths) -> Learnt:
            networks, curves = self.trained_networks(sequences, held_out, paths, rng)
            return Learnt(paths, networks, chosen_share(networks, held_out, self.device), curves)

        best = best_rung(self.ladder(inputs), learnt, self.epochs)
        # What the networks add was learnt and judged beside a GLM of the training trials; to predict, they stand
        # on the GLM of training and validation trials, as the family `glm` does.
        whole = kept_fit("glm of all trials", start, lambda: start.refit(glm, trials.concatenate(validation)))
        return FittedRecurrent(self, replace(inputs, glm=whole), **vars(best))

    def ladder(self, inputs: NetworkInputs) -> list[Paths]:
        """The networks to try, each with fewer weights than the one before."""
        gain = inputs.gain_columns()
        gain_alone = Paths(inputs.n_inputs, inputs.n_units, 0, gain, inputs.glm.grid.bin_size_s)
        rungs = [replace(gain_alone, hidden=self.hidden)]
        if self.own_hidden and inputs.n_units > 1:
            own = replace(gain_alone, own_columns=inputs.own_columns())
            rungs = [replace(own, hidden=self.hidden), own]
        return [*rungs, gain_alone] if gain.size else rungs

    def network(self, paths: Paths) -> Any:
        """An untrained ``nn.network.RateNetwork``."""
        import torch

        from neurodecode.nn.network import RateNetwork

        own = None if paths.own_columns is None else torch.from_numpy(paths.own_columns.astype(np.int64))
        gain = torch.from_numpy(paths.gain_columns.astype(np.int64))
        return RateNetwork(
            self.cell(),
            paths.n_inputs,
            paths.hidden,
            paths.n_units,
            self.dropout,
            bin_size_s=paths.bin_size_s,
            dropout_masks=self.dropout_masks,
            checkpoint_bins=self.checkpoint_bins,
            own_inputs=own,
            own_hidden=self.own_hidden,
            gain_inputs=gain,
        )

    def plan(self) -> Any:
        """How to train, for ``nn.training``: those of these hyper-parameters that its ``TrainingPlan`` has."""
        from neurodecode.nn.training import TrainingPlan

        return TrainingPlan(**{name: getattr(self, name) for name in TrainingPlan.__dataclass_fields__})

    def trained_networks(
        self, sequences: Any, validation: Any, paths: Paths, rng: np.random.Generator
    ) -> tuple[tuple[Any, ...], list[dict[str, Any]]]:
        """``seeds`` networks trained on sequences (``nn.sequences.Sequences``), and their learning curves."""
        import torch

        from neurodecode.nn.training import train

        plan, device = self.plan(), choose_device(self.device)
        networks, curves = [], []
        for number, seed in enumerate(rng.integers(2**31, size=self.seeds)):
            torch.manual_seed(int(seed))
            network = self.network(paths)
            title = f"{self.family}, {paths.name}, seed {number + 1} of {self.seeds}"
            curve = train(network, sequences, validation, plan, np.random.default_rng(seed), device, title)
            log.info("%s: best epoch %d in %.1f s", title, curve.best_epoch, curve.seconds)
            networks.append(network.cpu())
            curves.append(asdict(curve))
        return tuple(networks), curves

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedRecurrent:
        """The fitted networks that ``parameters()`` and ``description()`` were taken from."""
        import torch

        def under(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in parameters.items() if k.startswith(prefix)}

        glm = self.glm().rebuild(under("glm."), description["glm"])
        basis = HistoryBasis(1, tuple(parameters["decays"].tolist()))
        gain = PopulationGain(tuple(parameters["gain_decays"].tolist()))
        inputs = NetworkInputs(glm, basis, gain, description["burn_in"], parameters["mean"], parameters["sd"])
        paths = next(p for p in self.ladder(inputs) if p.name == description["paths"])
        own_hidden = 0 if paths.own_columns is None else self.own_hidden
        check_hidden(max(paths.hidden, own_hidden), parameters)
        networks = []
        for number in range(self.seeds):
            network = self.network(paths)
            state = {k: torch.from_numpy(v.copy()) for k, v in under(f"seed{number}.").items()}
            network.load_state_dict(state)
            networks.append(network.eval())
        share = Share(**description["share"])
        return FittedRecurrent(self, inputs, paths, tuple(networks), share, description["curves"])


@dataclass(frozen=True, eq=False)
class FittedRecurrent(FittedModel):
    """The GLM of ``inputs``, and a ``share`` of what ``networks`` add to its log-intensity on average."""

    model: RecurrentModel
    inputs: NetworkInputs
    paths: Paths
    networks: tuple[Any, ...]  # nn.network.RateNetwork: naming it here would import torch
    share: Share
    curves: list[dict[str, Any]]

    def log_mean(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Log of the expected count, uncapped."""
        if self.share.fallback:
            return self.inputs.glm.log_mean(trials)
        sequences = self.inputs.sequences(trials, leave_out=False)
        added = what_networks_add(self.networks, sequences, self.model.device)
        log_mean: np.ndarray = sequences.offset + self.share.value * added
        return log_mean

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) given only spikes before each bin."""
        mean: np.ndarray = np.minimum(np.exp(self.log_mean(trials)), self.inputs.glm.cap)
        return mean / trials.bin_size_s

    def stepper(self, trials: Trials) -> RecurrentStepper:
        """The GLM and the networks, all on what is observed."""
        self.inputs.glm.grid.check_window(trials, family=self.model.family)
        kept = () if self.share.fallback else self.networks
        return RecurrentStepper(self.inputs, kept, self.share.value, self.model.device, trials)

    def parameters(self) -> dict[str, np.ndarray]:
        """The GLM's and each network's weights, and the scaling of the inputs."""
        arrays = {f"glm.{name}": values for name, values in self.inputs.glm.parameters().items()}
        for number, network in enumerate(self.networks):
            state = network.state_dict().items()
            arrays |= {f"seed{number}.{name}": values.detach().cpu().numpy() for name, values in state}
        decays = {"decays": self.inputs.basis.decays, "gain_decays": self.inputs.gain.decays}
        arrays |= {name: np.array(values) for name, values in decays.items()}
        return {**arrays, "mean": self.inputs.mean, "sd": self.inputs.sd}

    def description(self) -> dict[str, Any]:
        """What else rebuilds the model."""
        glm = self.inputs.glm.description()
        return {
            "glm": glm,
            "burn_in": self.inputs.burn_in,
            "paths": self.paths.name,
            "share": asdict(self.share),
            "curves": self.curves,
        }

    def diagnostics(self) -> dict[str, Any]:
        """Learning curves, one per seed, what of the networks was kept, what cells tell, the GLM's penalties.

        ``fallback``: nothing of them; the model predicts as the GLM does.
        """
        return {
            "curves": self.curves,
            "fallback": self.share.fallback,
            "share": asdict(self.share),
            "paths": self.paths.name,
            "cells": diagnostics_of_cells(self.model.cell(), self.parameters()),
            "glm": self.inputs.glm.diagnostics(),
        }


EXAMPLE = {"hidden": 4, "own_hidden": 3, "seeds": 1, "epochs": 2, "batches_per_epoch": 3, "longest_s": 0.1}

_TYPES: dict[str, type[RecurrentModel]] = {}


def recurrent_type(cell: str) -> type[RecurrentModel]:
    """The hyper-parameters of the family of one cell."""
    if cell not in _TYPES:
        kind = cell_type(cell)
        namespace = {"family": cell, "cell_type": kind, "__module__": __name__}
        _TYPES[cell] = extended(RecurrentModel, kind, cell, namespace=namespace, frozen=True)
    return _TYPES[cell]
