"""A recording whose spikes stay in its file gives what one held in memory gives, and holds one unit at a time."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmarks import large_sessions
from benchmarks._large_recording import RecordingSize, write_recording
from neurodecode.config.session import session_config
from neurodecode.data.binning import trials_from_session
from neurodecode.data.quality import quality
from neurodecode.data.trains import StoredTrains
from neurodecode.errors import DataError
from neurodecode.io import _nwb_units, read_recording

SMALL = RecordingSize(n_units=5, n_trials=12, n_bins=100)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    write_recording(tmp_path / "made.nwb", SMALL)
    return tmp_path / "made.nwb"


def test_trials_and_quality_are_the_same_wherever_the_spikes_are(recording: Path, monkeypatch: pytest.MonkeyPatch):
    window = session_config(SMALL.entry(recording) | {"units": [3, 0]}, "made").window()
    held = read_recording(recording)
    monkeypatch.setattr(_nwb_units, "MOST_HELD", 0)
    stored = read_recording(recording)
    assert isinstance(held.spike_times_s, tuple)
    assert isinstance(stored.spike_times_s, StoredTrains)
    assert len(stored.spike_times_s) == 5
    assert stored.span_s == held.span_s
    for one, other in zip(stored.spike_times_s, held.spike_times_s, strict=True):
        assert_array_equal(one, other)
    assert [train.size for train in stored.spike_times_s[1:3]] == [train.size for train in held.spike_times_s[1:3]]
    cut, again = (trials_from_session(session, window) for session in (held, stored))
    assert cut.counts.sum() > 0
    assert_array_equal(cut.counts, again.counts)
    assert quality(held, cut, window=window) == quality(stored, again, window=window)


def test_a_recording_that_is_gone_when_its_spikes_are_asked_for(recording: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_nwb_units, "MOST_HELD", 0)
    stored = read_recording(recording)
    recording.unlink()
    with pytest.raises(DataError, match=r"made\.nwb: changed while it was read .* run the ingest again"):
        stored.spike_times_s[0]


def test_reading_and_binning_hold_a_few_units_spikes_and_not_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    size = RecordingSize(n_units=40, n_trials=4, n_bins=100, rate_hz=100.0, pause_s=60.0)
    n_bytes = 8 * write_recording(tmp_path / "many.nwb", size)
    monkeypatch.setattr(_nwb_units, "MOST_HELD", 1000)
    window = session_config(size.entry(tmp_path / "many.nwb"), "many").window()
    read_recording(tmp_path / "many.nwb")  # what is only loaded once
    tracemalloc.start()
    try:
        cut = trials_from_session(read_recording(tmp_path / "many.nwb"), window)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cut.counts.sum() > 0
    assert n_bytes > 6e6
    assert peak < 0.5 * n_bytes


def test_a_rule_is_measured_in_a_process_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    small = ["--units", "2", "--trials", "20", "--bins", "60", "--rules", "ingest"]
    where = ["--folder", str(tmp_path / "made"), "--csv", str(tmp_path / "large.csv")]
    large_sessions.main(["measure", *small, *where])
    large_sessions.main(["table", "--csv", str(tmp_path / "large.csv")])
    assert "| ingest | 2 | 20 | 60 |" in capsys.readouterr().out
    (row,) = large_sessions.Rows(tmp_path / "large.csv", large_sessions.COLUMNS).read()
    assert 1e8 < float(row["peak_bytes"]) < 2e9
    folder = tmp_path / "made/2_20_60_10_0"
    large_sessions.fit(folder, "psth", {"family": "psth"}, 1)
    assert np.isfinite(np.load(folder / "psth/predictions.npy")).all(axis=(1, 2)).sum() == 4  # one fold of five
