"""Files of our own making: trials, folds, models, decoders, predictions, and what others may have done to them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from neurodecode.data.documents import read_json
from neurodecode.data.splits import make_splits
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.decoders import NaiveBayesDecoder, load_decoder
from neurodecode.errors import NeurodecodeError
from neurodecode.evaluation.decoded import load_decoded
from neurodecode.evaluation.likelihoods import load_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions
from neurodecode.models import build_model, load_fitted
from tests.hostile.shelf import Act, Case, flipped

Arrays = dict[str, np.ndarray]


@functools.cache
def trials() -> Trials:
    """Twelve trials of two units in two conditions."""
    rng = np.random.default_rng(3)
    counts = (rng.random((12, 30, 2)) < 0.2).astype(np.uint8)
    return Trials.from_counts(counts, 0.01, lead=10, condition=np.arange(12) % 2, condition_names=["a", "b"])


def of_trials(**changed: Any) -> Callable[[Path], Act]:
    """A trials file with some arrays changed, or left out where None."""

    def make(folder: Path) -> Act:
        save_trials(folder / "trials.npz", trials())
        with np.load(folder / "trials.npz") as stored:
            held = dict(stored) | changed
        np.savez(folder / "trials.npz", **{name: v for name, v in held.items() if v is not None})
        return partial(load_trials, folder / "trials.npz")

    return make


def trial_flips(folder: Path) -> Act:
    path, rng = folder / "trials.npz", np.random.default_rng(0)
    save_trials(path, trials())
    good = path.read_bytes()

    def act() -> int:
        n_refused = 0
        for _ in range(150):
            path.write_bytes(flipped(good, int(rng.integers(len(good))), int(rng.integers(8))))
            try:
                assert np.array_equal(load_trials(path).counts, trials().counts)
            except NeurodecodeError as error:
                n_refused += "trials.npz" in str(error)
        return n_refused

    return act


def splits(change: Callable[[str], str]) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        path = folder / "splits.csv"
        one = trials()
        save_splits(path, make_splits(one.condition, one.condition_names, 2, np.random.default_rng(0)))
        path.write_text(change(path.read_text()))
        return lambda: [one.select(part) for fold in load_splits(path) for part in (fold.train, fold.test)]

    return make


@functools.cache
def fitted(family: str) -> Any:
    quick = {
        "glm": {"longest_s": 0.1, "history_penalties": (10.0,), "coupling_penalties": (), "time_course": "none"},
        "lstm": {"hidden": 3, "own_hidden": 0, "seeds": 1, "epochs": 1, "batches_per_epoch": 1, "longest_s": 0.1},
    }
    train, validation = trials().select(np.arange(8)), trials().select(np.arange(8, 12))
    found = build_model(family, **quick.get(family, {})).fit(train, validation, np.random.default_rng(0))
    if family != "lstm":
        return found
    paths = found.model.ladder(found.inputs)[0]  # the whole network, which so few trials would not keep
    networks = (found.model.network(paths).eval(),)
    return replace(found, paths=paths, networks=networks, share=replace(found.share, value=1.0))


def model(
    family: str,
    arrays: Callable[[Arrays], Arrays] = lambda held: held,
    about: Callable[[dict[str, Any]], Any] = lambda held: held,
    *,
    content: Callable[[bytes], bytes] = lambda held: held,
    forged: bool = True,
) -> Callable[[Path], Act]:
    """A stored model with its arrays, its JSON or its bytes changed; ``forged``: so that no check sum tells."""

    def make(folder: Path) -> Act:
        path, beside = folder / "model.safetensors", folder / "model.safetensors.json"
        fitted(family).save(path)
        described = json.loads(beside.read_text())
        if forged:
            del described["parameters_sha256"]
        save_file({k: np.ascontiguousarray(v) for k, v in arrays(load_file(path)).items()}, path)
        path.write_bytes(content(path.read_bytes()))
        beside.write_text(json.dumps(about(described)))
        return partial(load_fitted, path, beside)

    return make


def text_beside(text: str) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        fitted("constant").save(folder / "model.safetensors")
        (folder / "model.safetensors.json").write_text(text)
        return partial(load_fitted, folder / "model.safetensors", folder / "model.safetensors.json")

    return make


def model_flips(folder: Path) -> Act:
    """Bits turned over all through the arrays of a model, which its JSON knows the check sum of."""
    path, rng = folder / "model.safetensors", np.random.default_rng(0)
    fitted("psth").save(path)
    good = path.read_bytes()

    def act() -> int:
        n_refused = 0
        for _ in range(100):
            path.write_bytes(flipped(good, int(rng.integers(len(good))), int(rng.integers(8))))
            try:
                load_fitted(path, f"{path}.json")
            except NeurodecodeError as error:
                n_refused += "model.safetensors" in str(error)
        return n_refused

    return act


def every(n_expected: int) -> Callable[[int], None]:
    def check(n_refused: int) -> None:
        assert n_refused == n_expected

    return check


def most(n_refused: int) -> None:
    assert n_refused > 90


def decoder(
    about: Callable[[dict[str, Any]], Any] = lambda held: held,
    *,
    metadata: dict[str, str] | None = None,
    content: Callable[[bytes], bytes] = lambda held: held,
) -> Callable[[Path], Act]:
    """A stored decoder with what its header says changed."""

    def make(folder: Path) -> Act:
        from safetensors import safe_open

        path, one = folder / "decoder.safetensors", trials()
        NaiveBayesDecoder().fit(one).save(path)
        with safe_open(str(path), framework="numpy") as file:
            described = json.loads(file.metadata()["neurodecode"])
        given = {"neurodecode": json.dumps(about(described))} if metadata is None else metadata
        save_file(load_file(path), path, metadata=given)
        path.write_bytes(content(path.read_bytes()))
        return partial(load_decoder, path)

    return make


def decoder_flips(folder: Path) -> Act:
    path, rng = folder / "decoder.safetensors", np.random.default_rng(0)
    NaiveBayesDecoder().fit(trials()).save(path)
    good, known = path.read_bytes(), load_decoder(path).predict_proba(trials())

    def act() -> int:
        n_refused = 0
        for _ in range(100):
            path.write_bytes(flipped(good, int(rng.integers(len(good))), int(rng.integers(8))))
            try:
                assert np.array_equal(load_decoder(path).predict_proba(trials()), known)
            except NeurodecodeError:
                n_refused += 1
        return n_refused

    return act


def written(name: str, content: bytes | str, read: Callable[[Path], Any]) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return partial(read, folder / name)

    return make


def predictions(path: Path) -> np.ndarray:
    return StoredPredictions({"mine": path})["mine"]


def case(name: str, make: Callable[[Path], Act], *refused: str, becomes: Any = None) -> Case:
    return Case("stored", name, make, *refused, becomes=becomes)


def without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda held: {k: v for k, v in held.items() if k != name}


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda held: held | {name: change(held[name])}


NPY = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000, 1000), }"
NPY = NPY.ljust(127) + b"\n"
AGAIN, MODEL, DECODER = (
    "run the ingest again",
    "fit again",
    "not a fitted decoder of this package .*fit and save again",
)
CASES = [
    case("counts as floats", of_trials(counts=np.ones((12, 30, 2))), f"counts holds float64 .*{AGAIN}"),
    case("counts of two dims", of_trials(counts=np.ones((12, 30), np.uint8)), f"counts holds uint8 .*{AGAIN}"),
    case("a mask of numbers", of_trials(mask=np.ones((12, 30, 1))), "mask holds float64"),
    case("a mask of other trials", of_trials(mask=np.ones((9, 30, 1), bool)), r"mask \(9, 30, 1\) does not fit"),
    case("a lead beyond the steps", of_trials(lead=np.array(30)), "lead must leave at least one bin"),
    case("a lead of many", of_trials(lead=np.arange(3)), "lead holds int64"),
    case("conditions beyond their names", of_trials(condition=np.full(12, 2)), "condition must index its 2 names"),
    case("negative conditions", of_trials(condition=np.full(12, -1)), "condition must index its 2 names"),
    case("trials at NaN", of_trials(t0_s=np.full(12, np.nan)), "t0_s must be finite, got nan"),
    case("bins of infinite width", of_trials(bin_size_s=np.array(np.inf)), "bin_size_s must be positive, got inf"),
    case("no mask", of_trials(mask=None), f"it lacks .'mask'.; {AGAIN}"),
    case(
        "a covariate of NaN",
        of_trials(**{"covariate.x": np.full((12, 30), np.nan)}),
        "'x' has values that are NaN",
    ),
    case("trials with bits turned over", trial_flips, becomes=most),
    case("a fold of negative trials", splits(lambda text: text + "0,-1,test\n"), f"not a splits file .*{AGAIN}"),
    case(
        "a fold of a trial that is not there",
        splits(lambda text: text + "0,99,test\n"),
        "trial 99 is asked for, of 12",
    ),
    case(
        "a trial that trains and tests",
        splits(lambda text: text + "0,0,test\n0,0,train\n"),
        "two of train|not a splits",
    ),
    case("a role of nothing known", splits(lambda text: text + "0,3,spy\n"), "not a splits file"),
    case("trials in words", splits(lambda text: text + "0,three,test\n"), "not a splits file"),
    case("a trial of 400 digits", splits(lambda text: text + f"0,{'9' * 400},test\n"), "not a splits file"),
    case("no folds", splits(lambda text: "fold,trial,role\n"), "not a splits file"),
    case(
        "folds that are not UTF-8",
        written("splits.csv", b"fold,trial,role\n\xff,1,test\n", load_splits),
        "not a splits",
    ),
    *(
        case(f"{family} without {name}", model(family, without(f"0.{name}")), MODEL)
        for family, name in (
            *(("constant", "rate_hz"), ("psth", "weights"), ("glm", "own"), ("glm", "psth.counts")),
            *(("lstm", "seed0.population.readout.weight"), ("lstm", "mean"), ("lstm", "glm.bias")),
        )
    ),
    *(
        case(
            f"{family} with one more array",
            model(family, lambda held: held | {"0.spy": np.ones(2)}),
            "it holds '0.spy'|unexpected keyword argument 'spy'",
        )
        for family in ("constant", "psth", "lstm")
    ),
    *(
        case(f"{family}: {name} of another shape", model(family, changed(f"0.{name}", lambda v: v[:1])), MODEL)
        for family, name in (
            *(("constant", "rate_hz"), ("psth", "jumps"), ("psth", "shrinkage_trials"), ("glm", "bias")),
            *(("glm", "aggregate"), ("glm", "fill"), ("lstm", "mean"), ("lstm", "seed0.population.readout.bias")),
        )
    ),
    case(
        "rates as whole numbers",
        model("constant", changed("0.rate_hz", lambda v: v.astype(int))),
        r"rate_hz is int64 \(2,\), expected Float",
    ),
    case(
        "rates of NaN", model("constant", changed("0.rate_hz", lambda v: v * np.nan)), "NaN, infinite or negative"
    ),
    case("negative rates", model("constant", changed("0.rate_hz", lambda v: -v)), "NaN, infinite or negative"),
    case("a GLM of NaN", model("glm", changed("0.own", lambda v: v * np.nan)), "NaN, infinite or negative"),
    case("another family's name", model("constant", about=lambda d: d | {"family": "poisson"}), MODEL),
    case(
        "an LSTM called GRU", model("lstm", about=lambda d: d | {"family": "gru"}), "has no forget_bias|fit again"
    ),
    case(
        "a family out of its folder",
        model("constant", about=lambda d: d | {"family": "../../x"}),
        "unknown model family",
    ),
    case(
        "a family that is a list",
        model("constant", about=lambda d: d | {"family": ["psth"]}),
        "unknown model family|fit again",
    ),
    case(
        "hyper-parameters of nothing known",
        model("constant", about=lambda d: d | {"hyperparameters": {"x": 1}}),
        "has no x",
    ),
    case("a fold too many", model("constant", about=lambda d: d | {"folds": d["folds"] * 2}), MODEL),
    case("folds that are none", model("constant", about=lambda d: d | {"folds": 3}), MODEL),
    case(
        "a grid of 10^12 bins",
        model(
            "constant",
            about=lambda d: json.loads(json.dumps(d).replace('"n_bins": 20', '"n_bins": 1000000000000')),
        ),
        MODEL,
    ),
    case(
        "a network of 10^9 units",
        model("lstm", about=lambda d: d | {"hyperparameters": d["hyperparameters"] | {"hidden": 10**9}}),
        MODEL,
    ),
    case("JSON nested deep", text_beside("[" * 100_000), "nested too deep.*fit again"),
    case("JSON that is a list", text_beside("[]"), "expected a JSON object, got list; fit again"),
    case("JSON of nothing", text_beside("{}"), MODEL),
    case("arrays cut off", model("psth", content=lambda c: c[: len(c) // 2]), MODEL),
    case("a header of 2^63 bytes", model("psth", content=lambda c: b"\xff" * 7 + b"\x7f" + c[8:]), MODEL),
    case(
        "arrays of another fit",
        model("psth", changed("0.jumps", lambda v: ~v), forged=False),
        "the check sum differs.*fit again",
    ),
    case("bits turned over in arrays", model_flips, becomes=every(100)),
    case("a decoder out of its folder", decoder(lambda d: d | {"family": "../../x"}), "unknown decoder family"),
    case(
        "a decoder of another class", decoder(lambda d: d | {"decoder": "os.system"}), "has no decoder 'os.system'"
    ),
    case(
        "a decoder that replaces a method",
        decoder(lambda d: d | {"fitted": {"predict": {"value": 1}}}),
        f"'predict' is nothing that a fit finds.*{DECODER[-10:]}",
    ),
    case(
        "a decoder that replaces its class",
        decoder(lambda d: d | {"fitted": {"__class__": {"value": 1}}}),
        "'__class__' is nothing",
    ),
    case("a decoder of nothing", decoder(metadata={}), DECODER),
    case("a decoder of deep JSON", decoder(metadata={"neurodecode": "[" * 100_000}), DECODER),
    case(
        "a decoder of another sum", decoder(metadata={"neurodecode": "{}", "sha256": "0"}), "the check sum differs"
    ),
    case("a decoder cut off", decoder(content=lambda c: c[:-5]), DECODER),
    case("a decoder with bits turned over", decoder_flips, becomes=most),
    case(
        "predictions of 4,000 TB",
        written("predictions.npy", NPY, predictions),
        "not readable as what mine predicts",
    ),
    case(
        "predictions that are a pickle",
        written("predictions.npy", b"\x80\x04K\x01.", predictions),
        "not readable as what mine",
    ),
    case(
        "a decoder's predictions of text",
        written("predictions.npz", "x", load_decoded),
        "not the predictions of a decoder|not a file of log-likelihoods",
    ),
    case(
        "likelihoods of text",
        written("likelihoods.npz", "x", load_likelihoods),
        "not the predictions of a decoder|not a file of log-likelihoods",
    ),
    case("quality that is not JSON", written("quality.json", "{", read_json), "not readable JSON .*run the step"),
    case("quality that is not UTF-8", written("quality.json", b"\xff", read_json), "not readable JSON"),
]
