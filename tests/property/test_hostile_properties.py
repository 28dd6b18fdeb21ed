"""Configurations near valid ones are judged alike wherever they are; tables are read as they were written."""

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from neurodecode.config.run import run_config
from neurodecode.errors import ConfigError
from neurodecode.io import read_recording
from workflow.validation import ConfigurationError, checked_config

ROOT = Path(__file__).resolve().parents[2]
VALID = yaml.safe_load("""
sessions:
  one: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01, condition: odour, units: [a, 3], where: {x: {min: 0}}}
  two: {simulate: poisson, n_trials: 40, models: [psth]}
models:
  psth: {family: psth}
  glm: {family: glm, longest_s: 0.2, history_penalties: [1.0, 10.0]}
  net: {family: lstm, hidden: 4, dropout: 0.1}
decoders:
  bayes: {family: naive_bayes}
controls:
  shuffled_trials: {sessions: [one]}
evaluation: {folds: 3, bootstrap: 10}
forecast: {steps: [1, 2]}
seed: 1
""")
VALUES = st.one_of(
    st.sampled_from([True, -1, 0, 2.5, float("nan"), float("inf"), 10**30, "", "..", "psth", "1e-3", [], {}]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.floats(0, 2), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
# What only the package's own types know: bounds of hyper-parameters, and rules between values (decision 9).
BEYOND_A_SCHEMA = re.compile(
    r"must (not )?be (>=|>|positive|0 or|negative|empty|one of)|must lie|must name|does not divide|"
    r"bins of window_s|start < stop|unknown population|at least|ends like the null control"
)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Key paths of everything within a configuration."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, inner in pairs for path in [(*above, key), *places(inner, (*above, key))]]


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """The valid one with a few values replaced, keys added or taken away."""
    config = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(0, 2))):
        *above, key = draw(st.sampled_from(places(config)))
        within: Any = config
        for part in above:
            within = within[part]
        change = draw(st.sampled_from(["replace", "replace", "leave out", "add"]))
        if change == "replace":
            within[key] = draw(VALUES)
        elif change == "leave out":
            del within[key]
        elif isinstance(within, dict):
            within[draw(st.text(max_size=8))] = draw(VALUES)
    return config


def judged(check: Any, *given_: Any) -> str:
    """What is wrong with a configuration; nothing else than the project's own errors may come."""
    try:
        check(*given_)
    except (ConfigError, ConfigurationError) as error:
        return str(error)
    return ""


@given(config=configurations())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_what_the_package_takes_the_workflow_takes_and_the_rest_is_refused_before_a_fit(config: dict[str, Any]):
    at_parsing = judged(checked_config, config, ROOT)
    by_the_types = judged(run_config, config)
    if at_parsing:
        assert by_the_types, f"refused at parsing only: {at_parsing}"
    elif by_the_types:
        assert BEYOND_A_SCHEMA.search(by_the_types), f"refused by the types only: {by_the_types}"


TABLES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "unit 3", "\u00fc", "0"]), st.floats(0, 1e6, allow_subnormal=False)),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
@given(spikes=TABLES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_of_spikes_is_read_as_it_was_written(tmp_path: Path, suffix: str, spikes: list[tuple[str, float]]):
    table = pd.DataFrame(spikes, columns=["unit", "time_s"])
    path = tmp_path / f"spikes{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    session = read_recording(path)
    held = dict(zip(session.unit_names, session.spike_times_s, strict=True))
    assert held.keys() == set(table["unit"])
    for unit, train in held.items():
        assert_array_equal(train, np.unique(table.loc[table["unit"] == unit, "time_s"]))
    assert sum(mended.duplicates for mended in session.dropped) == len(table) - sum(t.size for t in held.values())
