"""What the workflow declares is what is drawn, and all of it has a caption."""

import re
from pathlib import Path

import pytest

from neurodecode.report.dynamics.session_figures import FIGURES as DYNAMICS_FIGURES
from neurodecode.report.session_figures import FIGURES

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"


def test_the_rule_declares_every_figure_in_the_pages_order():
    text = (WORKFLOW / "rules" / "report.smk").read_text()
    (declared,) = re.findall(r"^FIGURES = \((.*?)^\)", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r'"(\w+)"', declared) == list(FIGURES)


def test_the_rule_of_dynamics_declares_its_figures():
    text = (WORKFLOW / "rules" / "dynamics.smk").read_text()
    (declared,) = re.findall(r"^DYNAMICS_FIGURES = \((.*?)\)", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r'"(\w+)"', declared) == list(DYNAMICS_FIGURES)


@pytest.mark.parametrize("name", [*FIGURES, *DYNAMICS_FIGURES, "page", "scores"])
def test_every_figure_has_a_caption(name):
    assert (WORKFLOW / "report" / f"{name}.rst").read_text().strip()
