"""The page of the simulated populations says what the code does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodecode.simulate import describe, population_names, simulate

PAGE = (Path(__file__).resolve().parents[2] / "docs/simulated-populations.md").read_text(encoding="utf-8")
PROSE = " ".join(PAGE.split())
N_TRIALS = 200


def markdown(columns: Mapping[str, Sequence[Any]]) -> str:
    rows = [list(columns), ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "".join("| " + " | ".join(_cell(value) for value in row) + " |\n" for row in rows)


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def per_unit(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: column for name, column in values.items() if isinstance(column, list)}


def expected_tables() -> dict[str, str]:
    """What stands on the page, built from the code."""
    tables = {}
    for name in population_names():
        fixed = describe(name)
        tables["responses"] = markdown({"unit": fixed["units"], **per_unit(fixed["responses"])})
        if columns := per_unit(fixed["parameters"]):
            tables[name] = markdown({"unit": fixed["units"], **columns})
    return tables


@pytest.mark.parametrize("name", expected_tables())
def test_a_table_of_the_page_is_that_of_the_code(name):
    table = expected_tables()[name]
    assert table in PAGE, f"docs/simulated-populations.md must hold this table:\n\n{table}"


@pytest.mark.parametrize("name", population_names())
def test_single_numbers_of_the_page_are_those_of_the_code(name):
    assert f"\n## {name}\n" in PAGE
    section = PAGE.split(f"\n## {name}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    prose = " ".join(section.split())
    for key, value in describe(name)["parameters"].items():
        if not isinstance(value, list):
            assert f"`{key}` = {value:g}" in prose
    assert f"`burn_in_s` = {describe(name)['burn_in_s']:g}" in prose


def test_what_all_populations_share_stands_on_the_page():
    fixed = describe("poisson")
    start, stop = fixed["window_s"]
    assert f"bins of {fixed['bin_size_s'] * 1000:g} ms" in PROSE
    assert f"{start:g} to {stop:g} s" in PROSE
    assert f"lead of {fixed['lead_s']:g} s" in PROSE
    assert f"concentration {fixed['responses']['concentration']:g}" in PROSE
    for direction, degrees in fixed["conditions"].items():
        assert f"{direction} ({degrees:g} degrees)" in PROSE


def test_the_mean_rates_of_the_page_are_those_of_the_populations():
    heading = "| unit | " + " | ".join(population_names()) + " |\n"
    rows = PAGE.split(heading, maxsplit=1)[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]
    written = np.array([[float(cell) for cell in row.split("|")[2:-1]] for row in rows])
    for place, name in enumerate(population_names()):
        one = simulate(name, n_trials=N_TRIALS, rng=np.random.default_rng(1))
        rate_hz = one.counts[:, one.population.n_lead :].mean(axis=(0, 1)) / one.bin_size_s
        # Bursts and shared gain make counts vary more than Poisson's; 200 trials leave up to 5 percent.
        np.testing.assert_allclose(written[:, place], rate_hz, rtol=0.15)
