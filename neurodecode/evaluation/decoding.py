"""One decoder on one session: fit every fold, decode its test trials, write what came out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from neurodecode.config.decoders import DecoderConfig, decoder_config
from neurodecode.config.target import target_config
from neurodecode.data.checkpoints import Parts, kept
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.decoders import Decoder, UnfoldingClassDecoder, put_together, save_decoders, taken_apart
from neurodecode.errors import DataError, NeurodecodeError
from neurodecode.evaluation.decoded import Decoded, in_columns
from neurodecode.evaluation.interrupted import resumable
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.evaluation.targets import Target
from neurodecode.models import FittedModel, cell_names, load_fitted

log = logging.getLogger(__name__)
SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class FittedFold:
    """The decoder of one fold, what its randomness came from, and how long it took."""

    decoder: Any
    random_state: int
    seconds: float


def fit_decoder(
    *,
    trials: str | Path,
    splits: str | Path,
    decoder: Mapping[str, Any],
    name: str,
    session: str,
    target: Mapping[str, Any],
    encoding: Mapping[str, str | Path] | None,
    seed: int,
    threads: int,
    outputs: Mapping[str, str | Path],
    code: str | None = None,
) -> None:
    """Fit one decoder of the configuration to every fold of a session and write its files.

    decoder, target: entries of the configuration. encoding: ``parameters`` and ``fit`` of the fitted encoding
    model that the decoder reads, None for others. outputs: paths of ``predictions``, ``parameters`` and ``fit``.
    code: a digest of the code that fits; given one, an interrupted fit is gone on with
    (``evaluation.interrupted``).
    Raises ConfigError and DataError that name the decoder, the session and the fold.
    """
    config, folds = decoder_config(decoder, name), load_splits(splits)
    wanted = Target.of(load_trials(trials), target_config(target, f"sessions.{session}.target"))
    models = _encoding_models(encoding, folds, splits)
    if {config.family, *(one.model.family for one in models or ())} & set(cell_names()):
        import torch

        torch.set_num_threads(threads)
    started = time.perf_counter()
    read = [Path(path) for path in (encoding or {}).values()]
    decides = (Path(trials), Path(splits), *read, dict(decoder), dict(target), name, session, seed)
    with resumable(outputs["fit"], code, *decides), threadpool_limits(limits=threads):
        fitted = fit_folds(config, wanted, folds, models, seed=seed, names=(session, name))
        decoded = out_of_fold(fitted, wanted, folds)
        seconds = time.perf_counter() - started
        log.info("%s on %s: %d folds fitted and decoded in %.1f s", name, session, len(folds), seconds)
        decoded.save(outputs["predictions"])
        save_decoders(outputs["parameters"], [one.decoder for one in fitted])
        described = _described(fitted, wanted, folds) | {"seconds": round(seconds, 3), "seed": seed}
        with written_whole(outputs["fit"]) as part:
            part.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def fit_folds(
    config: DecoderConfig,
    target: Target,
    splits: Sequence[Split],
    encoding: Sequence[FittedModel] | None,
    *,
    seed: int,
    names: tuple[str, str],
) -> list[FittedFold]:
    """The decoder fitted to the training trials of each fold, its choices made on the fold's validation trials.

    encoding: the fitted encoding model of each fold, for decoders that read one. names: session and decoder, from
    which, with ``seed`` and the fold, all randomness comes.
    """

    def fit(place: int, split: Split) -> FittedFold:
        random_state = int(seed_sequence(seed, *names, split.fold).generate_state(1)[0])
        circular = target.circular if target.kind == "signal" else None
        decoder: Any = config.build(target.kind, random_state=random_state, circular=circular)
        read = {} if encoding is None else {"encoding": encoding[place]}
        started = time.perf_counter()
        try:
            X, y = target.of_trials(split.train)
            decoder.fit(X, y, validation=target.of_trials(split.validation), **read)
        except NeurodecodeError as error:
            raise type(error)(f"{names[1]} on {names[0]}, fold {split.fold}: {error}") from error
        return FittedFold(decoder, random_state, time.perf_counter() - started)

    return [
        kept(f"fold{split.fold}", partial(fit, place, split), _apart, _together)
        for place, split in enumerate(splits)
    ]


def _apart(fold: FittedFold) -> Parts:
    arrays, described = taken_apart(fold.decoder)
    return arrays, {"decoder": described, "random_state": fold.random_state, "seconds": fold.seconds}


def _together(parts: Parts) -> FittedFold:
    arrays, described = parts
    return FittedFold(put_together(arrays, described["decoder"]), described["random_state"], described["seconds"])


def out_of_fold(fitted: Sequence[FittedFold], target: Target, splits: Sequence[Split]) -> Decoded:
    """Every trial decoded by the fold that tests it."""
    asked, chosen = (getattr(fitted[0].decoder, name, None) for name in ("bin_size_s", "bin_size_s_"))
    bin_size_s = chosen or asked or target.trials.bin_size_s
    parts = [_decoded(one.decoder, target, split.test) for one, split in zip(fitted, splits, strict=True)]
    if target.kind != "class":
        name = "signal" if target.kind == "signal" else "values"
        return Decoded(bin_size_s=bin_size_s, **{name: _gathered([p[name] for p in parts], target, splits)})
    classes = np.unique(np.concatenate([one.decoder.classes_ for one in fitted]))
    arrays = {}
    for name in parts[0]:
        each = [in_columns(p[name], one.decoder.classes_, classes) for p, one in zip(parts, fitted, strict=True)]
        arrays[name] = _gathered(each, target, splits)
    return Decoded(bin_size_s=bin_size_s, classes=classes.astype(np.str_), **arrays)


def _decoded(decoder: Any, target: Target, test: np.ndarray) -> dict[str, np.ndarray]:
    """What one fold says of its test trials."""
    X, _ = target.of_trials(test)
    if target.kind != "class":
        return {"signal" if target.kind == "signal" else "values": decoder.predict(X)}
    if hasattr(decoder, "log_likelihood_bins"):  # all that is costly, whether tempered or not
        evidence = decoder.log_likelihood_bins(X)
        bins = decoder.probabilities(evidence, tempered=decoder.tempered)
        raw = decoder.probabilities(evidence[:, -1], tempered=False)
        tempered = {"raw_probabilities": raw} if decoder.tempered else {}
        return {"probabilities": bins[:, -1], "bin_probabilities": bins.astype(np.float32), **tempered}
    if isinstance(decoder, UnfoldingClassDecoder):
        bins = decoder.predict_proba_bins(X)
        return {"probabilities": bins[:, -1], "bin_probabilities": bins.astype(np.float32)}
    return {"probabilities": decoder.predict_proba(X)}


def _gathered(parts: Sequence[np.ndarray], target: Target, splits: Sequence[Split]) -> np.ndarray:
    whole = np.full((target.trials.n_trials, *parts[0].shape[1:]), np.nan, parts[0].dtype)
    for values, split in zip(parts, splits, strict=True):
        whole[split.test] = values
    return whole


def _encoding_models(
    encoding: Mapping[str, str | Path] | None, splits: Sequence[Split], path: str | Path
) -> list[FittedModel] | None:
    if not encoding:
        return None
    models = load_fitted(encoding["parameters"], encoding["fit"])
    if len(models) != len(splits):
        raise DataError(
            f"{encoding['parameters']}: {len(models)} folds, but {path} has {len(splits)}: fit the model again"
        )
    return models


def _described(fitted: Sequence[FittedFold], target: Target, splits: Sequence[Split]) -> dict[str, Any]:
    first: Decoder = fitted[0].decoder
    params = {key: value for key, value in first.get_params(deep=False).items() if key != "random_state"}
    return {
        "schema_version": SCHEMA_VERSION,
        "family": first.family,
        "decoder": type(first).__name__,
        "kind": target.kind,
        "target": target.name,
        "circular": target.circular,
        "causal": bool(first.causal),
        "hyperparameters": params,
        "folds": [
            {
                "fold": split.fold,
                "seconds": round(one.seconds, 3),
                "random_state": one.random_state,
                "diagnostics": one.decoder.diagnostics(),
            }
            for one, split in zip(fitted, splits, strict=True)
        ],
    }
