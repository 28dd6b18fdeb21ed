"""The shape of rules and scripts, read from their text."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurodecode.report.session_figures import FIGURES

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
RULE_FILES = sorted((ROOT / "workflow/rules").glob("*.smk"))
RULES = {
    name: body
    for file in RULE_FILES
    for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", file.read_text() + "\n", flags=re.MULTILINE)
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_script_is_short_and_redirects_into_its_log(script):
    text = script.read_text()
    assert len(text.splitlines()) <= 20
    assert "with logging_to(snakemake.log[0]):" in text
    assert not re.search(r"^\s*(if|for|while|def|class|try)\b", text, flags=re.MULTILINE), (
        "logic belongs elsewhere"
    )


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_a_cluster_and_a_reader_need(name):
    for directive in ("log", "benchmark", "resources", "params", "message", "script"):
        assert re.search(rf"^    {directive}:", RULES[name], flags=re.MULTILINE), f"{name} has no {directive}"
    assert "mem_mb=" in RULES[name]
    assert "runtime=" in RULES[name]
    assert "code=" in RULES[name]


def test_each_rule_has_the_script_of_its_name():
    assert {script.stem for script in SCRIPTS} == set(RULES)
    for name, body in RULES.items():
        assert f'"../scripts/{name}.py"' in body


def test_the_figures_of_the_rule_are_those_that_are_drawn():
    text = (ROOT / "workflow/rules/report.smk").read_text()
    listed = re.search(r"FIGURES = \((.*?)\n\)", text, flags=re.DOTALL)
    assert listed is not None
    assert re.findall(r'"(\w+)"', listed[1]) == list(FIGURES)


def test_every_caption_is_there():
    text = "".join(file.read_text() for file in RULE_FILES)
    named = {*re.findall(r"\.\./report/(\w+)\.rst", text), *FIGURES}
    assert named <= {file.stem for file in (ROOT / "workflow/report").glob("*.rst")}


def test_the_workflow_is_formatted():
    command = [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
