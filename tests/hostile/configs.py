"""Configurations that explode, hide code, say two things at once, or name what must not be named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.config.run import RunConfig, read_config
from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.session import Session
from tests.hostile.shelf import Act, Case

BASE = "sessions: {one: {simulate: poisson, n_trials: 20}}\nmodels: {psth: {family: psth}}\n"
RECORDED = (
    "sessions: {one: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01}}\nmodels: {psth: {family: psth}}\n"
)
LEVELS = 40


def config(text: str | bytes, name: str = "mine.yaml") -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return partial(read_config, folder / name)

    return make


def named(name: str, section: str = "sessions") -> Callable[[Path], Act]:
    given = {"sessions": {"one": {"simulate": "poisson", "n_trials": 20}}, "models": {"psth": {"family": "psth"}}}
    given[section] = {name: next(iter(given[section].values()))}
    return config(json.dumps(given))


def chain(first: str, each: str) -> str:
    """Anchors of which each repeats the one before."""
    lines = [f"  a0: &a0 {first}", *(f"  a{n}: &a{n} {each.format(n - 1)}" for n in range(1, LEVELS))]
    return "\n".join(lines) + "\n"


def cut(**window: Any) -> Callable[[Path], Act]:
    """Trials of a recording of three hours, by a window."""

    def make(folder: Path) -> Act:
        trials = pd.DataFrame({"start_time": [0.0, 1e4], "stop_time": [1.0, 1e4 + 1]})
        units = pd.DataFrame({"unit_name": ["a"]})
        session = Session(name="made", spike_times_s=(np.array([0.5, 1e4]),), units=units, trials=trials)
        asked = {"bin_size_s": 0.01, "window_s": (0.0, 1.0), "lead_s": 0.0} | window
        return lambda: trials_from_session(session, Window(**asked))

    return make


def held(**expected: Any) -> Callable[[RunConfig], None]:
    def check(run: RunConfig) -> None:
        for name, value in expected.items():
            assert getattr(run, name) == value

    return check


def one_session(name: str) -> Callable[[RunConfig], None]:
    def check(run: RunConfig) -> None:
        assert list(run.sessions) == [name]

    return check


def case(name: str, make: Callable[[Path], Act], *refused: str, becomes: Any = None) -> Case:
    return Case("configuration", name, make, *refused, becomes=becomes)


SPELT = "must be a name of letters, digits and _ . - "
CASES = [
    case("nothing", config(""), "the configuration must be a mapping, given NoneType"),
    case("absent", lambda folder: partial(read_config, folder / "none.yaml"), r"none\.yaml: cannot be read"),
    case("a folder", lambda folder: partial(read_config, folder), "cannot be read"),
    case("a list", config("- 1\n"), "the configuration must be a mapping, given list"),
    case("two documents", config(BASE + "---\n" + BASE), r"mine\.yaml: not YAML"),
    case(
        "not UTF-8",
        config(BASE.encode() + b"report: {title: '\xff\xfe'}\n"),
        "not UTF-8 at byte .*save it as UTF-8",
    ),
    case("a zero byte", config(BASE + "report: {title: 'a\0b'}\n"), r"mine\.yaml: not YAML"),
    case("tabs", config("sessions:\n\tone: 1\n"), r"mine\.yaml: not YAML"),
    case(
        "a tag that runs a command",
        config(BASE + "seed: !!python/object/apply:os.system ['exit 1']\n"),
        "not YAML: could not determine a constructor for the tag",
    ),
    case("a tag of our own", config(BASE + "seed: !secret 1\n"), "could not determine a constructor for the tag"),
    case(
        "a template that runs code",
        config("__use_yte__: true\n" + BASE + "seed: ?__import__('os').abort()\n"),
        "__use_yte__ would run the file as a program; write values",
    ),
    case(
        "lists that double",
        config(BASE + "w:\n" + chain("[x, x]", "[*a{0}, *a{0}]")),
        "more than 100000 values, aliases",
    ),
    case(
        "mappings that double",
        config(BASE + "w:\n" + chain("{x: 1, y: 2}", "{{x: *a{0}, y: *a{0}}}")),
        "more than 100000 values, aliases written out",
    ),
    case(
        "merges that double",
        config(BASE + "w:\n" + chain("{x: 1}", "{{<<: [*a{0}, *a{0}]}}")),
        "more than 100000 values, aliases written out",
    ),
    case("a list within itself", config(BASE + "report: &r [*r]\n"), "a value stands within itself"),
    case("a mapping within itself", config(BASE + "report: &r {title: *r}\n"), "a value stands within itself"),
    case("1,000 lists deep", config(BASE + "report: " + "[" * 1000 + "]" * 1000), "nested deeper than 40 levels"),
    case("100 mappings deep", config(BASE + "report: " + "{a: " * 100 + "1" + "}" * 100), "nested deeper than 40"),
    case("100,000 lists deep in JSON", config("[" * 100_000), "nested deeper than 40 levels; write it flat"),
    case("two megabytes", config(BASE + "#" * 2_000_000), "2000.* bytes, expected a configuration of at most"),
    case(
        "a key twice",
        config(BASE + "seed: 1\nseed: 2\n"),
        "line 4: key 'seed' stands in line 3, too; leave one out",
    ),
    case(
        "a key twice, deeper",
        config(BASE + "evaluation: {folds: 2, folds: 5}\n"),
        "key 'folds' stands in line 3, too",
    ),
    case("a key twice in JSON", config('{"seed": 1, "seed": 2}'), "key 'seed' stands twice; leave one out"),
    case("a key that is a list", config(BASE + "? [1, 2]\n: 3\n"), "line 3: a key must be text"),
    case("an alias used once", config(RECORDED + "report: &r {title: x}\n"), becomes=one_session("one")),
    case("a number of 5,000 digits", config(BASE + "seed: " + "9" * 5000), "not YAML: Exceeds the limit"),
    case("a large seed", config(BASE + "seed: " + "9" * 400), becomes=held(seed=int("9" * 400))),
    case("a date that is none", config(BASE + "seed: 2020-13-45\n"), r"mine\.yaml: "),
    case(
        "NaN", config(RECORDED.replace("0.01", ".nan")), r"sessions\.one\.bin_size_s: given nan, expected a finite"
    ),
    case(
        "infinity", config(RECORDED.replace("1.0]", ".inf]")), r"window_s\.1: given inf, expected a finite number"
    ),
    case("infinity as 1e999", config('{"seed": 1e999}'), "seed: given inf, expected a finite number"),
    case(
        "NaN among hyper-parameters",
        config(BASE.replace("family: psth", "family: glm, longest_s: .nan")),
        r"models\.psth\.longest_s: given nan",
    ),
    case(
        "a bin that is nearly nothing",
        config(RECORDED.replace("0.01", "5.0e-324")),
        "makes inf bins .*widen the bins",
    ),
    case("a window of all time", config(RECORDED.replace("[0.0, 1.0]", "[-1.0e308, 1.0e308]")), "makes inf bins"),
    case("a lead of all time", config(RECORDED.replace("0.01", "0.01, lead_s: 1.0e300")), r"makes 1e\+302 bins"),
    case("windows without end", cut(every_s=1e-9), "windows: would take .* GiB, .*; lengthen every_s"),
    case("bins without end", cut(bin_size_s=1e-8), "counts of 2 trials x .* would take|widen"),
    case(
        "a lead that fills the memory",
        cut(lead_s=8e5),
        "counts of 2 trials x 80000100 bins x 1 units and their mask: would take 0.298 GiB, .*shorten",
    ),
    case("a session that climbs out", named(".."), SPELT),
    case("a session of dots", named("..."), SPELT),
    case("a session in another folder", named("../../etc"), SPELT),
    case("a session with a slash", named("a/b"), SPELT),
    case("a session with a backslash", named("a\\b"), SPELT),
    case("a session with a space", named("a b"), SPELT),
    case("a session that is a command", named("$(reboot)"), SPELT),
    case("a session with a line break at its end", named("one\n"), SPELT),
    case("a session with a zero byte", named("one\0"), SPELT),
    case("a session without a name", named(""), SPELT),
    case("a session of 101 letters", named("a" * 101), SPELT),
    case("a session in Cyrillic letters", named("\u0430"), SPELT),
    case("a session named like a wildcard", named("{session}"), SPELT),
    case("a session named as a device of another system", named("NUL"), becomes=one_session("NUL")),
    case("a session named like an option", named("-rf"), becomes=one_session("-rf")),
    case("a session named like a hidden file", named(".one"), becomes=one_session(".one")),
    case("a session in a reserved folder", named("logs"), "the name 'logs' is reserved; choose another"),
    case("a model that climbs out", named("..", "models"), SPELT),
    case("a model named as the truth", named("oracle", "models"), "the name 'oracle' is reserved"),
    case(
        "a family out of its folder",
        config(BASE.replace("family: psth", "family: ../evil")),
        "unknown model family",
    ),
    case(
        "a family that looks alike",
        config(BASE.replace("family: psth", 'family: "\u0440sth"')),
        "did you mean 'psth'",
    ),
    case(
        "a family that is private",
        config(BASE.replace("family: psth", "family: _base")),
        "unknown model family '_base'",
    ),
    case("a path out of the folder", config(RECORDED.replace("x.nwb", "../../x.nwb")), becomes=one_session("one")),
    case(
        "a very long value",
        config(BASE.replace("20", "[" + "1, " * 5000 + "1]")),
        r"given \[1, 1, .*\.\.\. \(list\)",
    ),
]
