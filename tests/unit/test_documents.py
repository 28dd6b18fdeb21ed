"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ROOMS = (ROOT, ROOT / "neurodecode")  # paths of modules are written from either


@pytest.fixture(params=PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def page(request) -> Path:
    return request.param


def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_files_that_are_named_exist(page):
    for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|smk|md|yaml))`", page.read_text(encoding="utf-8")):
        assert any((room / name).is_file() for room in ROOMS), name


def test_decisions_have_a_number_of_their_own_and_three_parts():
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert len({path.name[:4] for path in decisions}) == len(decisions) > 0
    for path in decisions:
        headings = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert headings[:2] == ["Context", "Decision"], path.name
        assert "Consequences" in headings, path.name
