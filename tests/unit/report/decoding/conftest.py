"""Made-up sessions with what decoders might have said of their trials."""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from neurodecode.config.target import target_config
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.evaluation.decoded import Decoded
from neurodecode.evaluation.decoding_scores import baselines_of, write_decoding_scores
from neurodecode.evaluation.scores import read_scores
from neurodecode.report.decoding.results import DecodingResults, read_decoding

N, BINS = 45, 20
CLASSES = np.array(["apple", "banana", "cherry & <b>"])
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "class": {
        "naive_bayes": "naive_bayes",
        "logistic": "logistic",
        "likelihood_psth": "likelihood:psth",
        "likelihood_glm": "likelihood:glm",
        "lstm": "lstm",
        "lstm_both_ways": "lstm",
    },
    "signal": {"bayesian": "bayesian", "wiener": "wiener", "lstm": "lstm", "lstm_both_ways": "lstm"},
    "value": {"mean": "mean", "ridge": "ridge", "gru": "gru"},
}
SURE = {"naive_bayes": 0.4, "likelihood_psth": 0.4, "bayesian": 0.4, "mean": 0.0}  # the others: 2
ACAUSAL = ("logistic", "ridge", "lstm_both_ways")


class FabricatedDecoding:
    """Files of one session under ``folder``, laid out as the workflow lays them out.

    knows: how much more than noise single-trial decoders know of the target. before: of classes, a control
    session before the stimulus, in which they know so much.
    """

    def __init__(
        self,
        folder: Path,
        *,
        target: Mapping[str, object],
        session: str = "toy",
        knows: float = 2.0,
        before: float | None = None,
        families: Mapping[str, str] | None = None,
        n_dims: int = 2,
    ) -> None:
        self.session, self.target, self.folder = session, target, folder / session
        self.kind = target_config(target, "target").kind
        self.families = dict(FAMILIES[self.kind] if families is None else families)
        rng = np.random.default_rng(2)
        hand = np.cumsum(rng.normal(size=(N, BINS + 2, n_dims)), axis=1)
        self.trials = Trials.from_counts(
            rng.poisson(1.0, (N, BINS + 2, 3)),
            0.1,
            lead=2,
            window_start_s=-0.5,
            t0_s=5.0 * np.arange(N),
            covariates={"hand": hand, "head": rng.uniform(-3.1, 3.1, (N, BINS + 2))},
            columns={"fruit": CLASSES[np.arange(N) % 3], "reaction_s": rng.gamma(9, 0.03, N)},
        )
        self.splits = make_splits(np.arange(N) % 3, tuple(CLASSES), 3, rng)
        self.before = None
        if before is not None:
            self.before = self._write(folder / f"{session}.pre_stimulus", before, "pre_stimulus", rng)
        self.scores = self._write(self.folder, knows, "", rng)

    def _write(self, folder: Path, knows: float, control: str, rng: np.random.Generator) -> Path:
        (folder / "decoders").mkdir(parents=True)
        save_trials(folder / "trials.npz", self.trials)
        save_splits(folder / "splits.csv", self.splits)
        for name, family in self.families.items():
            at = folder / "decoders" / name
            at.mkdir()
            self._decoded(name, knows if name not in SURE else min(knows, SURE[name]), rng).save(
                at / "predictions.npz"
            )
            read = {"model": family.split(":")[1]} if ":" in family else {}
            fit = {"family": family.split(":")[0], "causal": name not in ACAUSAL, "hyperparameters": read}
            (at / "fit.json").write_text(json.dumps({**fit, "seconds": 1.5}))
        write_decoding_scores(
            trials=folder / "trials.npz",
            splits=folder / "splits.csv",
            predictions=self._each("predictions.npz", folder),
            fits=self._each("fit.json", folder),
            families=self.families,
            target=self.target,
            session=self.session,
            control=control,
            n_bootstrap=100,
            seed=1,
            output=folder / "decoders" / "scores.csv",
        )
        return folder / "decoders" / "scores.csv"

    def _decoded(self, name: str, knows: float, rng: np.random.Generator) -> Decoded:
        if self.kind == "class":
            unfolding = np.linspace(0, 1, BINS)[:, None] * knows * np.eye(3)[np.arange(N) % 3][:, None]
            logits = unfolding + rng.normal(size=(N, 1, 3))
            bins = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
            raw = bins[:, -1] ** 3 / (bins[:, -1] ** 3).sum(axis=-1, keepdims=True)
            said = {"probabilities": bins[:, -1]}
            said |= {"raw_probabilities": raw} if name.startswith("likelihood") else {}
            said |= {"bin_probabilities": bins.astype(np.float32)} if name != "logistic" else {}
            return Decoded(bin_size_s=0.1, classes=CLASSES, **said)
        noise = 1 / (0.3 + knows)
        if self.kind == "value":
            values = self.trials.columns["reaction_s"]
            drawn = values.mean() + (values - values.mean()) * (knows > 0) + noise * 0.03 * rng.normal(size=N)
            return Decoded(bin_size_s=0.1, values=drawn)
        if self.target.get("circular"):
            angle = self.trials.covariates["head"][:, 2:]
            true = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        else:
            true = self.trials.covariates["hand"][:, 2:]
        return Decoded(bin_size_s=0.1, signal=true + noise * rng.normal(size=true.shape))

    def _each(self, file: str, folder: Path | None = None) -> dict[str, Path]:
        return {name: (folder or self.folder) / "decoders" / name / file for name in self.families}

    def paths(self) -> dict[str, object]:
        return {
            "session": self.session,
            "trials": self.folder / "trials.npz",
            "splits": self.folder / "splits.csv",
            "target": self.target,
            "scores": self.scores,
            "before": self.before,
            "predictions": self._each("predictions.npz"),
            "fits": self._each("fit.json"),
            "families": self.families,
            "models": {"psth": "psth", "glm": "glm", "lstm": "lstm"},
            "seed": 1,
        }

    def results(self) -> DecodingResults:
        return read_decoding(**self.paths())

    @property
    def baselines(self) -> dict[str, str]:
        return baselines_of(self.families, self.kind)

    def rows(self) -> list[Path]:
        return [path for path in (self.scores, self.before) if path is not None]

    def frame(self):
        import pandas as pd

        return pd.concat([read_scores(path) for path in self.rows()], ignore_index=True)


@pytest.fixture(scope="session")
def fabricated_decoding() -> type[FabricatedDecoding]:
    """The class, for tests that keep what they made."""
    return FabricatedDecoding


@pytest.fixture
def fabricate_decoding(tmp_path: Path) -> Callable[..., FabricatedDecoding]:
    """Makes a session's files in a fresh folder."""
    return functools.partial(FabricatedDecoding, tmp_path)
