"""The page is whole, honest, and opens with no network."""

import html.parser
import re
from collections import Counter
from urllib.parse import unquote

import pandas as pd
import pytest

from neurodecode.errors import DataError
from neurodecode.evaluation.likelihoods import trial_likelihoods
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.summary import write_summary
from neurodecode.report.page import write_report
from neurodecode.report.session_figures import draw_session

VOID = {"meta", "img", "br", "hr", "link", "input"}
CONFIG = {
    "seed": 1,
    "models": {name: {"family": name} for name in ("constant", "psth", "poisson", "glm", "lstm")},
    "report": {"title": "Tom & <Jerry>"},
}


class Page(html.parser.HTMLParser):
    """What a browser would make of the page: fails on a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(tmp_path_factory, fabricated):
    """A page over two sessions, one with a name that must be escaped."""
    folder = tmp_path_factory.mktemp("page")
    made = [
        fabricated(folder, session="plain"),
        fabricated(folder, session="a&b<script>", models=("constant", "psth", "glm"), has_spike_times=False),
    ]
    sections = []
    for one in made:
        sections.append(one.folder / "figures" / "figures.json")
        draw_session(**one.paths(), session=one.session, seed=1, output=sections[-1])
    frames = [pd.read_csv(one.folder / "scores.csv", keep_default_na=False) for one in made]
    numbers = ["value", "low", "high"]
    together = pd.concat(frames)
    together[numbers] = together[numbers].apply(pd.to_numeric, errors="coerce")
    write_scores(together, folder / "scores.csv")
    held = {one.session: folder / f"{number}.npz" for number, one in enumerate(made)}
    for one in made:
        trial_likelihoods(one.trials, one.splits, one.predictions).save(held[one.session])
    tables = {one.session: one.folder / "scores.csv" for one in made}
    write_summary(likelihoods=held, scores=tables, n_bootstrap=40, seed=1, output=folder / "summary.csv")
    files = {"scores": [folder / "scores.csv"], "summary": folder / "summary.csv"}
    write_report(**files, sections=sections, config=CONFIG, output=folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(written, page):
    for attributes in [attributes for _, attributes in page.tags]:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), value[:60]
    text = written.read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@import" not in text
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]


def test_names_are_escaped(written, page):
    assert "<script>" not in written.read_text(encoding="utf-8")
    assert "a&b<script>" in page.text
    assert "Tom & <Jerry>" in page.text


def test_every_link_has_a_target_and_no_anchor_stands_twice(page):
    anchors = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert max(anchors.values()) == 1
    assert {a["href"] for a in page.all("a")} <= {f"#{anchor}" for anchor in anchors}


def test_every_picture_says_what_it_shows(page):
    pictures = page.all("img")
    assert len(pictures) == 2 + 13 + 11  # all sessions; counts have no intervals, and no network was trained
    assert all(len(picture["alt"] or "") > 20 for picture in pictures)


def test_the_answer_stands_on_top_with_its_number_and_interval(page):
    found = re.search(
        r"On single trials, the best model \((\w+)\) predicts (\d\.\d{3}) bits/spike more", page.text
    )
    assert found
    assert page.text.index("On single trials") < page.text.index("Null controls The same models")


def test_tables_controls_terms_configuration_and_versions_are_there(page):
    for words in ("KS units passed", "true intensity", "poisson_surrogate", "not ok", "Time to fit and predict"):
        assert words in page.text
    for words in ("Haslinger et al. 2010", "family: lstm", "numpy", "Not drawn: this recording holds counts"):
        assert words in page.text


def test_a_section_that_is_none_is_refused(tmp_path, written):
    (tmp_path / "figures.json").write_text('{"session": "x"}')
    with pytest.raises(DataError, match="draw the session again"):
        write_report(
            scores=[written.parent / "scores.csv"],
            sections=[tmp_path / "figures.json"],
            config=CONFIG,
            output=tmp_path / "report.html",
        )
    assert not (tmp_path / "report.html").exists()


def test_a_missing_figure_is_named(tmp_path, written):
    section = tmp_path / "figures.json"
    section.write_text((written.parent / "plain" / "figures" / "figures.json").read_text())
    with pytest.raises(DataError, match=r"overview\.png: figure missing"):
        write_report(
            scores=[written.parent / "scores.csv"], sections=[section], config=CONFIG, output=tmp_path / "r.html"
        )


def test_sessions_that_failed_are_named_with_their_error(written, tmp_path):
    section = next(path for path in written.parent.rglob("figures.json") if "plain" in path.parts)
    told = {"a/b": {"rule": "ingest", "error": "no <units> at all", "log": "results/logs/a/ingest.log"}}
    output = tmp_path / "report.html"
    write_report(
        scores=[written.parent / "scores.csv"], sections=[section], config=CONFIG, output=output, failures=told
    )
    page = Page(output.read_text(encoding="utf-8"))
    assert "1 of 2 sessions failed and is missing from everything below" in page.text
    assert "a/b Rule ingest failed. no <units> at all" in page.text
    assert "results/logs/a/ingest.log" in page.text
    assert "Sessions that failed" not in Page(written.read_text(encoding="utf-8")).text


def test_all_sessions_together_have_an_answer_and_a_table(page):
    anchors = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert "across-sessions" in anchors
    assert "Over 2 sessions and 6 units, glm predicts" in page.text
    assert "Null controls are left out." in page.text
    assert "sessions gained" in page.text


@pytest.fixture(scope="module")
def apart(written):
    """The same run with a page for each session, and the one that links to them."""
    folder = written.parent
    sections = [folder / name / "figures" / "figures.json" for name in ("plain", "a&b<script>")]
    pages = [section.parent.parent / "report.html" for section in sections]
    for section, page in zip(sections, pages, strict=True):
        write_report(
            scores=[section.parent.parent / "scores.csv"],
            sections=[section],
            config=CONFIG,
            output=page,
            home=folder / "apart.html",
        )
    files = {"scores": [folder / "scores.csv"], "summary": folder / "summary.csv"}
    write_report(**files, sections=sections, pages=pages, config=CONFIG, output=folder / "apart.html")
    return folder / "apart.html", pages


def test_of_many_sessions_the_page_links_to_those_of_each(apart, page):
    first, pages = apart
    found = Page(first.read_text(encoding="utf-8"))
    assert len(found.all("img")) == 1  # of all sessions together
    assert not [a for _, a in found.tags if (a.get("id") or "").startswith("session-")]
    for words in ("Over 2 sessions and 6 units, glm predicts", "KS units passed", "poisson_surrogate"):
        assert words in found.text
    links = {a["href"] for a in found.all("a")}
    anchors = {a["id"] for _, a in found.tags if "id" in a}
    elsewhere = {link for link in links if not str(link).startswith("#")}
    assert {link[1:] for link in links - elsewhere} <= anchors
    reached = {(first.parent / unquote(link.partition("#")[0])).resolve() for link in elsewhere}
    assert reached == {page.resolve() for page in pages}


def test_the_page_of_a_session_says_what_the_whole_one_says_of_it(apart, page):
    first, pages = apart
    for path, n_pictures in zip(pages, (13, 11), strict=True):
        found = Page(path.read_text(encoding="utf-8"))
        assert len(found.all("img")) == n_pictures
        anchors = {f"#{a['id']}" for _, a in found.tags if "id" in a}
        outside = {a["href"] for a in found.all("a")} - anchors
        assert [(path.parent / link).resolve() for link in outside] == [first.resolve()]
        sentence = re.search(r"On single trials, the (best )?model .*?\.(?= )", found.text)
        assert sentence
        assert sentence[0] in page.text
        assert "All sessions together" not in found.text


def test_links_into_the_page_of_a_session_reach_their_part(apart):
    first, _ = apart
    for link in (a["href"] for a in Page(first.read_text(encoding="utf-8")).all("a")):
        file, _, anchor = str(link).partition("#")
        if file:
            page = Page((first.parent / unquote(file)).read_text(encoding="utf-8"))
            assert anchor in {a["id"] for _, a in page.tags if "id" in a}
