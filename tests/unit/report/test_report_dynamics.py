"""The page's part about what networks do."""

import json
import re
from collections import defaultdict

from neurodecode.report.dynamics.tables import COLUMNS, _of_weights
from neurodecode.report.page import write_report
from neurodecode.report.session_figures import _section

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001"
    "e221bc330000000049454e44ae426082"
)


def figure(name: str, reason: str = "") -> dict[str, str]:
    words = {key: f"{key} of {name}" for key in ("heading", "title", "caption", "alt", "rule")}
    return {"name": name, "file": f"{name}.png", **words, "absent": reason}


def row(model: str, note: str) -> dict[str, object]:
    cells = [{"text": f"{model} {i}", "interval": "", "best": False} for i in range(len(COLUMNS))]
    return {"model": model, "family": "lstm", "colour": "#D55E00", "kind": "model", "cells": cells, "note": note}


def test_a_session_whose_networks_were_looked_into_has_a_table_and_figures(fabricate):
    held = fabricate(models=("psth", "lstm"), n_trials=12, n_bins=120, controls=False)
    figures = held.folder / "figures"
    (figures / "dynamics").mkdir(parents=True)
    (figures / "dynamics" / "flow.png").write_bytes(PIXEL)
    (figures / "figures.json").write_text(json.dumps(_section(held.results(), [])))
    section = {
        "session": "toy",
        "rows": [row("lstm, population", ""), row("gru", "the GLM in all folds")],
        "figures": [figure("flow"), figure("points", "no network was kept")],
    }
    (figures / "dynamics" / "figures.json").write_text(json.dumps(section))
    for dynamics in ([], [figures / "dynamics" / "figures.json"]):
        write_report(
            scores=[held.folder / "scores.csv"],
            sections=[figures / "figures.json"],
            dynamics=dynamics,
            config={"models": {"lstm": {"family": "lstm"}}},
            output=held.folder / "report.html",
        )
        page = (held.folder / "report.html").read_text(encoding="utf-8")
        assert ('id="dynamics"' in page) == bool(dynamics)
    table = page.split('id="dynamics"')[1].split("</table>")[0]
    assert all(column.heading in table for column in COLUMNS)
    assert "lstm, population 3" in table
    assert "the GLM in all folds" in table
    part = page.split('id="session-1-dynamics"')[1].split("</section>")[0]
    assert re.search(r'<img src="data:image/png;base64,[^"]+" alt="alt of flow"', part)
    assert "Not drawn: no network was kept." in part


def test_what_cells_tell_of_their_weights_is_in_the_table():
    def told(**numbers: float) -> str:
        return _of_weights(defaultdict(lambda: float("nan"), numbers).__getitem__)

    assert told(balance=0.034) == "balance 0.03"
    assert told(n_outliers=2.0, largest_outlier=1.4, bulk_radius=0.812) == "2.0 outliers, 1.40 (bulk 0.81)"
    assert told(n_outliers=0.0, bulk_radius=0.812) == "0.0 outliers (bulk 0.81)"
    assert told() == "\N{EN DASH}"
