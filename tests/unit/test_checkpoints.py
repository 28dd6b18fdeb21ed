"""Checkpoints: what was kept comes back as it was, and nothing else is ever taken for it."""

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

from neurodecode.data import checkpoints
from neurodecode.data.checkpoints import Checkpoints, checkpoints_in, current, identity_of, kept, stage

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7), "none": np.zeros((0, 2))}


@pytest.fixture
def place(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", "of these data", 0.0)


@pytest.fixture
def eager(monkeypatch):
    """Everything is worth keeping."""
    monkeypatch.setattr(checkpoints, "LEAST_S", 0.0)


def test_what_was_kept_comes_back_bit_for_bit(place):
    told = {"loss": [0.1 + 0.2, float("inf")], "state": 2**127 + 1}
    place.save("fold 3, seed 1", ARRAYS, told)
    arrays, described = place.load("fold 3, seed 1")
    assert described == told
    assert arrays.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (values.dtype, values.shape)
        assert_array_equal(arrays[name], values)
    assert place.load("fold 3, seed 2") is None


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def one_bit(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[-10] ^= 4  # in the arrays, which safetensors itself does not check
    path.write_bytes(bytes(held))


def somebody_else_s(path: Path) -> None:
    save_file(load_file(path), path)


@pytest.mark.parametrize("harm", [cut_short, one_bit, somebody_else_s, lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_is_not_used_and_the_log_says_so(place, caplog, harm):
    place.save("fit", ARRAYS, {})
    harm(place.path("fit"))
    assert place.load("fit") is None
    assert "not used" in caplog.text
    assert str(place.path("fit")) in caplog.text


def test_checkpoints_of_another_fit_are_swept(place, caplog, eager):
    place.save("fit", ARRAYS, {})
    other = Checkpoints(place.folder, "of other data", 0.0)
    assert other.load("fit") is None
    assert "other data, settings or code" in caplog.text
    with checkpoints_in(place.folder, "of other data"):
        assert not place.path("fit").exists()


def test_the_identity_follows_contents_settings_and_code(tmp_path):
    path = tmp_path / "trials"
    path.write_bytes(b"one")
    first = identity_of("code", path, {"hidden": 3}, 1)
    assert identity_of("code", path, {"hidden": 3}, 1) == first
    assert len({first, identity_of("edited", path, {"hidden": 3}, 1), identity_of("code", path, {}, 1)}) == 3
    path.write_bytes(b"two")
    assert identity_of("code", path, {"hidden": 3}, 1) != first


def squares(log: list[int], until: int = 4) -> list[int]:
    """Four numbers squared, one after the other; interrupted before number ``until``."""

    def square(n: int) -> int:
        if n == until:
            raise KeyboardInterrupt
        log.append(n)
        return n * n

    return [
        kept(
            f"{n}", lambda n=n: square(n), lambda made: ({"made": np.array(made)}, {}), lambda p: int(p[0]["made"])
        )
        for n in range(4)
    ]


def test_what_was_done_before_an_interruption_is_not_done_again(tmp_path, eager):
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), checkpoints_in(tmp_path / "c", "x"):
        squares(done, until=2)
    with checkpoints_in(tmp_path / "c", "x"):
        assert squares(done) == [0, 1, 4, 9]
    assert done == [0, 1, 2, 3]
    assert not (tmp_path / "c").exists()
    assert current() is None


def test_a_stage_has_names_of_its_own_and_parts_go_when_the_whole_is_kept(tmp_path, eager):
    with checkpoints_in(tmp_path / "c", "x"):
        place = current()

        def whole() -> int:
            with stage("first"):
                a = squares([])
            return sum(a + squares([]))

        found = kept("whole", whole, lambda made: ({}, {"made": made}), lambda parts: parts[1]["made"])
        assert found == 28
        assert [path.name for path in place.folder.rglob("*") if path.is_file()] == ["whole.safetensors"]


def test_quick_work_is_not_kept(tmp_path):
    with checkpoints_in(tmp_path / "c", "x"):
        squares([])
        assert not (tmp_path / "c").exists()


def test_a_disk_that_takes_nothing_does_not_stop_the_fit(place, caplog, eager):
    place.folder.parent.joinpath("checkpoints").write_text("a file where the folder should be")
    place.save("fit", ARRAYS, {})
    assert "not kept" in caplog.text


def test_what_cannot_be_put_together_is_made_again(tmp_path, eager, caplog):
    caplog.set_level(logging.INFO)
    with checkpoints_in(tmp_path / "c", "x"):
        current().save("n", {}, {"of an older form": 1})
        assert kept("n", lambda: 5, lambda made: ({}, {"made": made}), lambda parts: parts[1]["made"]) == 5
    assert "done again" in caplog.text
