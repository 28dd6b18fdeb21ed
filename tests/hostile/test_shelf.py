"""Every hostile input ends in an error of ours that says the way out, or in a result that is documented."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest

from neurodecode.data import limits
from neurodecode.errors import NeurodecodeError
from tests.hostile import arrays, configs, recordings, sheets, stored, tables
from tests.hostile.shelf import Case, bounded

SHELF: list[Case] = [case for kind in (recordings, tables, arrays, configs, sheets, stored) for case in kind.CASES]


@pytest.fixture
def as_at_run_time() -> Iterator[None]:
    """Without the checks of annotations that only tests have: what a user meets is the package's own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("as_at_run_time")
@pytest.mark.parametrize("case", SHELF, ids=lambda case: f"{case.kind}: {case.name}")
def test_a_hostile_input(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "memory_bytes", lambda: 1 << 28)  # the same on every machine
    act = case.make(tmp_path)
    with bounded():
        if case.refused:
            with pytest.raises(NeurodecodeError, match=case.refused) as caught:
                act()
            assert len(str(caught.value)) < 2000
        else:
            assert case.becomes is not None
            case.becomes(act())


def test_the_shelf_is_full_and_its_names_are_its_own():
    assert len(SHELF) >= 100
    assert max(Counter((case.kind, case.name) for case in SHELF).values()) == 1
