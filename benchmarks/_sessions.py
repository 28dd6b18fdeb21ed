"""The recordings of `examples/`, cut and dealt into folds as the workflow does, and the models fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks._rows import ROOT, digest
from benchmarks.reference_network import ReferenceNetwork
from neurodecode.config.run import RunConfig, read_config
from neurodecode.data.splits import ROLES, Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.evaluation.recordings import ingest_recording
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models import PointProcessModel, cell_names
from neurodecode.models.constant import Constant
from workflow.source_digest import source_digest

REFERENCE = "reference"


class Fitted(Protocol):
    """What is scored: a fitted model of the package, or the reference."""

    def intensity(self, trials: Trials) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Recording:
    """One session of one configuration: its name there, trials and folds."""

    config: RunConfig
    session: str
    trials: Trials
    splits: tuple[Split, ...]

    @property
    def content(self) -> str:
        """Digest of the counts, masks, conditions and folds."""
        trials = self.trials
        parts = [np.ascontiguousarray(a).tobytes() for a in (trials.counts, trials.mask, trials.condition)]
        folds = [[getattr(split, role).tolist() for role in ROLES] for split in self.splits]
        return digest(*parts, trials.bin_size_s, trials.lead, folds)


def example_names() -> list[str]:
    """Recordings with a configuration in `examples/` whose spikes are predicted, nothing being decoded."""
    sessions = {e.stem: read_config(e).sessions.values() for e in Path(ROOT, "examples").glob("*.yaml")}
    return sorted(name for name, own in sessions.items() if all(s.path and s.target is None for s in own))


def read_recording(name: str, folder: str | Path) -> Recording:
    """The trials and folds of `examples/NAME.yaml`, its file taken from ``folder``."""
    config = read_config(ROOT / "examples" / f"{name}.yaml")
    (session, entry), *others = config.sessions.items()
    if others:
        raise ValueError(f"examples/{name}.yaml has {1 + len(others)} sessions, expected one")
    with TemporaryDirectory() as scratch:
        outputs = {part: Path(scratch, part) for part in ("trials", "splits", "quality")}
        ingest_recording(
            recording=Path(folder, str(entry.path)),
            trials_table=entry.trials_path and Path(folder, entry.trials_path),
            session=session,
            entry={key: value for key, value in entry.as_mapping().items() if key != "models"},
            n_folds=config.evaluation.folds,
            split=config.evaluation.split,
            gap_s=config.evaluation.gap_s,
            seed=config.seed,
            outputs=outputs,
        )
        return Recording(config, session, load_trials(outputs["trials"]), load_splits(outputs["splits"]))


def model_of(config: RunConfig, name: str) -> PointProcessModel | ReferenceNetwork:
    """The unfitted model ``name`` of a configuration, or the reference."""
    return ReferenceNetwork() if name == REFERENCE else config.models[name]


def hyperparameters(model: PointProcessModel | ReferenceNetwork) -> dict[str, Any]:
    """All of them, with the family."""
    return {"family": getattr(model, "family", REFERENCE), **asdict(model)}


def code_of(model: PointProcessModel | ReferenceNetwork) -> str:
    """Digest of the source that a fit and its score depend on."""
    modules, files = ["neurodecode.likelihood", "neurodecode.models.constant"], ()
    if isinstance(model, ReferenceNetwork):
        modules, files = [*modules, "neurodecode.models.psth"], ("benchmarks/reference_network.py",)
    elif model.family in cell_names():
        modules += ["neurodecode.models._recurrent", f"neurodecode.nn.cells.{model.family}"]
    else:
        modules += [f"neurodecode.models.{model.family}"]
    return source_digest(ROOT, *modules, files=files)[:10]


def fit_fold(
    model: PointProcessModel | ReferenceNetwork, recording: Recording, name: str, split: Split, *, threads: int
) -> Fitted:
    """The model fitted to one fold, on the seed that the workflow gives to session, model and fold."""
    trials = recording.trials
    seed = seed_sequence(recording.config.seed, recording.session, name, split.fold)
    torch.set_num_threads(threads)
    with threadpool_limits(limits=threads):
        if isinstance(model, PointProcessModel):
            return model.fit_folds(trials, [split], [seed])[0]
        train, validation = trials.select(split.train), trials.select(split.validation)
        return model.fit(train, validation, np.random.default_rng(seed))


def trial_scores(fitted: Fitted, test: Trials) -> np.ndarray:
    """Log-likelihood (nats) of each test trial and unit; rates are rounded to float32, as predictions on disk."""
    rate_hz = fitted.intensity(test).astype(np.float32)
    return trial_log_likelihood(test.window_counts, rate_hz, test.bin_size_s, test.window_mask)


def constant_log_likelihood(recording: Recording, split: Split) -> np.ndarray:
    """The same under the family `constant`, one rate per unit: what bits per spike are counted from."""
    trials = recording.trials
    train, validation, test = (trials.select(getattr(split, role)) for role in ROLES)
    constant = Constant().fit(train, validation, np.random.default_rng(0))
    return trial_scores(constant, test)


def fell_back(fitted: Fitted) -> bool:
    """Whether validation trials preferred the GLM that a network starts from."""
    diagnostics = getattr(fitted, "diagnostics", dict)()
    if "fallback" in diagnostics:
        return bool(diagnostics["fallback"])
    curves: Sequence[dict[str, Any]] = diagnostics.get("curves", ())
    return bool(curves) and all(curve["best_epoch"] == 0 for curve in curves)
