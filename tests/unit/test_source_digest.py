"""A job's digest changes with the code that it uses, and with no other."""

from pathlib import Path

import pytest

from workflow import source_digest as module
from workflow.source_digest import source_digest

SOURCES = {
    "__init__.py": "",
    "base.py": "import math\n",
    "models/__init__.py": "from importlib import import_module\n",
    "models/glm.py": "from neurodecode.base import thing\n",
    "models/psth.py": "def fit():\n    from neurodecode import base\n    return base\n",
    "models/lstm.py": "import neurodecode.models.glm\n",
    "models/wrong.py": "from . import glm\n",
    "templates/page.html": "<html>",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / "neurodecode" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def digests(root: Path) -> dict[str, str]:
    module._imported.cache_clear()
    return {name: source_digest(root, f"neurodecode.models.{name}") for name in ("glm", "psth", "lstm")}


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("models/psth.py", {"psth"}),
        ("models/glm.py", {"glm", "lstm"}),
        ("base.py", {"glm", "psth", "lstm"}),
        ("models/__init__.py", {"glm", "psth", "lstm"}),
        ("models/wrong.py", set()),
        ("templates/page.html", set()),
    ],
)
def test_only_what_depends_on_an_edited_file_changes(root, edited, changed):
    before = digests(root)
    path = root / "neurodecode" / edited
    path.write_text(path.read_text() + "# edited\n")
    after = digests(root)
    assert {name for name in before if before[name] != after[name]} == changed


def test_files_beside_the_code_count_where_they_are_named(root):
    before = source_digest(root, "neurodecode.base", files=("neurodecode/templates/*",))
    (root / "neurodecode/templates/page.html").write_text("<html lang='en'>")
    assert source_digest(root, "neurodecode.base", files=("neurodecode/templates/*",)) != before


def test_a_misspelt_name_is_no_code_that_never_changes(root):
    with pytest.raises(FileNotFoundError, match=r"neurodecode\.models\.gml"):
        source_digest(root, "neurodecode.models.gml")
    with pytest.raises(FileNotFoundError, match="tmplates"):
        source_digest(root, "neurodecode.base", files=("neurodecode/tmplates/*",))


def test_a_relative_import_is_refused(root):
    with pytest.raises(ValueError, match=r"wrong\.py:1: relative import"):
        source_digest(root, "neurodecode.models.wrong")
