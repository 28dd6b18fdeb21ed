"""A made-up session of refractory units with the predictions and samples that models might have written."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurodecode.config.run import NESTED_MODELS
from neurodecode.data.quality import quality
from neurodecode.data.session import Session
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.evaluation import decomposition, sufficiency
from neurodecode.evaluation._score_rows import PSTH, ScoreRows
from neurodecode.evaluation.controls import control_names
from neurodecode.evaluation.scores import score_session, write_scores
from neurodecode.report.results import SessionResults, read_results

FAMILIES = ("constant", "psth", "poisson", "glm", "lstm", "oracle")


class Fabricated:
    """Files of one session under ``folder``, laid out as the workflow lays them out."""

    def __init__(
        self,
        folder: Path,
        *,
        session: str = "toy",
        n_units: int = 3,
        n_trials: int = 20,
        n_bins: int = 300,
        bin_size_s: float = 0.001,
        models: tuple[str, ...] = FAMILIES,
        has_spike_times: bool = True,
        silent: tuple[int, ...] = (),
        unit_names: list[str] | None = None,
        controls: bool = True,
        fell_back: dict[str, list[int]] | None = None,
    ) -> None:
        self.folder, self.session, self.models = folder / session, session, models
        self.fell_back = fell_back or {}
        rng = np.random.default_rng(3)
        self.rng, self.n_units, self.bin_size_s = rng, n_units, bin_size_s
        condition = np.arange(n_trials) % 2
        time = np.linspace(0, 1, n_bins)
        phase = np.arange(n_units)[:, None, None] * 0.7 + np.arange(2)[None, :, None]
        psth_hz = (30 + 22 * np.sin(2 * np.pi * time + phase)).transpose(1, 2, 0)[condition]
        psth_hz[:, :, list(silent)] = 0.05
        counts, self.oracle_hz = self._refract(psth_hz)
        counts[:, :, list(silent)] = 0
        mask = np.ones((n_trials, n_bins, 1), bool)
        mask[1, : n_bins // 5] = False
        self.psth_hz = psth_hz / (1 + psth_hz * 0.006)
        self.trials = Trials.from_counts(
            counts,
            bin_size_s,
            mask=mask,
            condition=condition,
            condition_names=["left", "right"],
            unit_names=unit_names,
            window_start_s=-0.1,
            t0_s=np.arange(n_trials) * 2.0,
            has_spike_times=has_spike_times,
        )
        self.splits = make_splits(condition, ("left", "right"), 3, np.random.default_rng(0))
        self.predictions = {model: self._predict(model) for model in models}
        self.samples: dict[str, np.ndarray] = {}
        self.write(controls=controls)

    def _refract(self, rate_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        since = np.full((rate_hz.shape[0], rate_hz.shape[2]), 1.0)
        counts, intensity = np.zeros(rate_hz.shape, int), np.zeros(rate_hz.shape)
        for step in range(rate_hz.shape[1]):
            recovery = np.where(since < 0.002, 0.0, 1 - np.exp(-(since - 0.002) / 0.005))
            intensity[:, step] = rate_hz[:, step] * recovery + 1e-3
            counts[:, step] = self.rng.random(since.shape) < intensity[:, step] * self.bin_size_s
            since = np.where(counts[:, step] > 0, self.bin_size_s, since + self.bin_size_s)
        return counts, intensity

    def _predict(self, model: str) -> np.ndarray:
        smooth = {
            "constant": np.broadcast_to(self.psth_hz.mean((0, 1)), self.psth_hz.shape),
            "oracle": self.oracle_hz,
        }
        fallback = self.psth_hz if model.startswith(("psth", "poisson")) else self.oracle_hz
        wobble = {"oracle": 0.0, "constant": 0.0}.get(model, 0.05)
        noise = np.exp(wobble * self.rng.normal(size=(1, 1, self.n_units)))
        return np.asarray(smooth.get(model, fallback) * noise, dtype=np.float32)

    def write(self, *, controls: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        save_trials(self.folder / "trials.npz", self.trials)
        save_splits(self.folder / "splits.csv", self.splits)
        for model, intensity in self.predictions.items():
            at = self.folder / "models" / model
            at.mkdir(parents=True, exist_ok=True)
            np.save(at / "predictions.npy", intensity)
            rate = self.psth_hz if model in ("psth", "poisson", "constant") else None
            drawn = self.rng.random(self.psth_hz.shape) < self.psth_hz * self.bin_size_s
            counts = drawn if rate is not None else self._refract(self.psth_hz * 1.2)[0]
            self.samples[model] = counts.astype(np.uint8)
            np.savez_compressed(at / "samples.npz", counts=self.samples[model])
            if model != "oracle":
                (at / "fit.json").write_text(json.dumps(self._fit(model)))
        (self.folder / "quality.json").write_text(json.dumps(self._quality()))
        self._write_scores(self.folder / "scores.csv", controls=controls)

    def _fit(self, model: str) -> dict[str, object]:
        folds = []
        for fold in range(3):
            epochs = np.arange(12)
            curve = {
                "train": list(4.0 - 0.03 * (1 - np.exp(-epochs / 3)) + 0.01 * fold),
                "validation": list(4.1 - 0.02 * (1 - np.exp(-epochs / 3)) + 0.0003 * fold * epochs),
                "best_epoch": 8,
                "seconds": 3.2,
            }
            folds.append(
                {"description": {}, "diagnostics": {"curves": [curve]} if model in ("lstm", "gru") else {}}
            )
        return {"schema_version": 1, "family": model, "hyperparameters": {}, "folds": folds, "seconds": 1.5}

    def _quality(self) -> dict[str, object]:
        """What the ingest would say of a recording that holds just these trials."""
        if not self.trials.has_spike_times:
            return {"isi_reason": "the file holds binned counts", "units": []}
        times = self.trials.t0_s[:, None] + 1.0 + self.trials.bin_times_s
        trains = tuple(np.unique(times[self.trials.counts[..., unit] > 0]) for unit in range(self.n_units))
        starts = self.trials.t0_s + 1.0
        session = Session(
            name=self.session,
            spike_times_s=trains,
            units=pd.DataFrame({"unit_name": list(self.trials.unit_names)}),
            trials=pd.DataFrame({"start_time": starts, "stop_time": starts + 0.5}),
        )
        return quality(session, self.trials, self.splits)

    def _write_scores(self, path: Path, *, controls: bool) -> None:
        frame = score_session(
            trials=self.trials,
            splits=self.splits,
            predictions=self.predictions,
            samples=self.samples,
            session=self.session,
            control="",
            n_bootstrap=40,
            seed=1,
        )
        parts = [frame]
        if controls:
            fitted = frame[frame["model"].isin(["psth", "poisson", "glm"])]
            parts += [fitted.assign(control=control) for control in control_names()]
        parts.append(self._remaining_gains())
        if PSTH in self.models:
            parts.append(self._terms())
        write_scores(pd.concat(parts), path)

    def _remaining_gains(self) -> pd.DataFrame:
        """As if history added little to those that know the truth, and much to those that know the average."""
        units = self.trials.unit_names
        rows = ScoreRows(session=self.session, control="", unit_names=units, task=sufficiency.TASK)
        for model in self.models:
            knows = model not in ("constant", "psth", "poisson")
            value = self.rng.normal(0.0 if knows else 0.3, 0.004 if knows else 0.1, len(units) + 1)
            rows.add(model, sufficiency.METRIC, value, low=value - 0.004, high=value + 0.006)
        return rows.frame()

    def _terms(self) -> pd.DataFrame:
        """Of nested models that come closer to the truth, in logs, one by one."""
        truth, psth = (np.log(np.maximum(rate, 1e-3)) for rate in (self.oracle_hz, self.psth_hz))
        closer = dict(zip(NESTED_MODELS[1:], (-0.02, 0.3, 0.45, 0.5), strict=True))
        rates = {name: np.exp(psth + share * (truth - psth)) for name, share in closer.items()}
        networks = [name for name in self.models if name in ("lstm", "gru", "my-lstm.v2")]
        return decomposition.decomposition_scores(
            self.trials,
            self.splits,
            {**rates, **{name: self.predictions[name] for name in (PSTH, *networks)}},
            networks,
            fell_back=self.fell_back,
            session=self.session,
            n_bootstrap=40,
            seed=1,
        )

    def results(self) -> SessionResults:
        return read_results(**self.paths(), session=self.session, seed=1)

    def paths(self) -> dict[str, object]:
        def each(file: str, models: tuple[str, ...] = self.models) -> dict[str, Path]:
            return {m: self.folder / "models" / m / file for m in models}

        return {
            "trials": self.folder / "trials.npz",
            "splits": self.folder / "splits.csv",
            "scores": self.folder / "scores.csv",
            "quality": self.folder / "quality.json",
            "predictions": each("predictions.npy"),
            "samples": each("samples.npz"),
            "fits": each("fit.json", tuple(m for m in self.models if m != "oracle")),
        }


@pytest.fixture(scope="session")
def fabricated() -> type[Fabricated]:
    """The class, for tests that keep what they made."""
    return Fabricated


@pytest.fixture
def fabricate(tmp_path: Path) -> Callable[..., Fabricated]:
    """Makes a session's files in a fresh folder."""
    return functools.partial(Fabricated, tmp_path)
