"""Files that neo writes: NIX and Matlab."""

import logging
from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.session import Session
from neurodecode.errors import DataError
from neurodecode.io import read_recording

KINDS = ("nix", "mat")


def segment(
    trains: dict[str, list[float]], start: float = 0.0, stop: float = 2.0, **annotations: object
) -> neo.Segment:
    made = neo.Segment(**annotations)
    for name, times in trains.items():
        train = neo.SpikeTrain(np.array(times) * 1000 * pq.ms, t_start=start * pq.s, t_stop=stop * pq.s, name=name)
        train.annotate(area="M1")
        made.spiketrains.append(train)
    return made


def epochs(name: str, starts: list[float], labels: list[str]) -> neo.Epoch:
    return neo.Epoch(
        times=np.array(starts) * pq.s,
        durations=np.full(len(starts), 500) * pq.ms,
        labels=np.array(labels),
        name=name,
    )


def events(name: str, times: list[float], labels: list[str]) -> neo.Event:
    return neo.Event(times=np.array(times) * 1000 * pq.ms, labels=np.array(labels), name=name)


def written(folder: Path, kind: str, *segments: neo.Segment) -> Session:
    block = neo.Block(name="made")
    block.segments.extend(segments)
    path = folder / f"made.{kind}"
    if kind == "nix":
        with neo.NixIO(str(path), mode="ow") as io:
            io.write_block(block)
    else:
        neo.io.NeoMatlabIO(str(path)).write_block(block)
    session = read_recording(path, format="neo" if kind == "mat" else None)
    assert isinstance(session, Session)
    return session


@pytest.mark.parametrize("kind", KINDS)
def test_epochs_named_trials_are_the_trials_and_events_their_columns(tmp_path: Path, kind: str):
    made = segment({"a": [0.013, 0.02, 1.05], "b": [0.5, 0.7]})
    made.epochs.append(epochs("trials", [0.0, 1.0], ["left", "right"]))
    made.epochs.append(epochs("running", [0.2], ["fast"]))
    made.events.append(events("cue", [0.1, 0.3, 1.25], ["go", "stop", "stop"]))
    session = written(tmp_path, kind, made)
    assert session.unit_names == ("a", "b")
    assert_allclose(session.spike_times_s[0], [0.013, 0.02, 1.05], rtol=1e-12)  # ms to s
    assert list(session.units["area"]) == ["M1", "M1"]
    assert list(session.trials["label"]) == ["left", "right"]
    assert_allclose(session.trials["stop_time"], [0.5, 1.5])
    assert_allclose(session.trials["cue_time"], [0.1, 1.25])
    assert list(session.trials["cue_label"]) == ["go", "stop"]
    assert_allclose(session.trials["stop_time"], [0.5, 1.5])  # an event labelled stop does not take the column
    assert_allclose(session.trials["go_time"], [0.1, np.nan])
    window = Window(bin_size_s=0.1, window_s=(0.0, 0.5), condition="label", lead_s=0.0)
    cut = trials_from_session(session, window)
    assert cut.condition_names == ("left", "right")
    assert_array_equal(cut.counts.sum(axis=1), [[2, 0], [1, 0]])


@pytest.mark.parametrize("kind", KINDS)
def test_several_kinds_of_epoch_are_told_apart_by_a_column(tmp_path: Path, kind: str):
    made = segment({"a": [0.1]})
    made.epochs.append(epochs("odour", [0.0, 1.0], ["citral", "vanilla"]))
    made.epochs.append(epochs("rest", [0.5], ["rest"]))
    session = written(tmp_path, kind, made)
    assert list(session.trials["epoch"]) == ["odour", "rest", "odour"]
    cut = trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 0.5), where={"epoch": "odour"}))
    assert cut.n_trials == 2


@pytest.mark.parametrize("kind", KINDS)
def test_events_alone_are_trials_until_the_next(tmp_path: Path, kind: str):
    made = segment({"a": [0.1, 1.9]})
    made.events.append(events("stimulus", [0.2, 1.0], ["A", "B"]))
    session = written(tmp_path, kind, made)
    assert_allclose(session.trials["start_time"], [0.2, 1.0])
    assert_allclose(session.trials["stop_time"], [1.0, 2.0])
    assert list(session.trials["label"]) == ["A", "B"]
    assert list(session.trials["event"]) == ["stimulus", "stimulus"]


@pytest.mark.parametrize("kind", KINDS)
def test_segments_that_start_anew_are_trials_laid_apart(tmp_path: Path, kind: str):
    session = written(
        tmp_path,
        kind,
        segment({"a": [0.1], "b": [0.4]}, direction="left"),
        segment({"a": [0.2], "b": []}, direction="right"),
    )
    assert_allclose(session.trials["start_time"], [0.0, 3.0])
    assert list(session.trials["direction"]) == ["left", "right"]
    assert_allclose(session.spike_times_s[0], [0.1, 3.2])
    assert_allclose(session.observed_s[0], [[0.0, 2.0], [3.0, 5.0]])
    window = Window(bin_size_s=0.1, window_s=(0.0, 2.0), condition="direction", lead_s=0.5)
    cut = trials_from_session(session, window)
    assert cut.window_mask.all()
    assert not cut.mask[:, : cut.lead].any()  # one segment's history is not the next one's


@pytest.mark.parametrize("kind", KINDS)
def test_segments_that_follow_one_another_keep_their_clock(tmp_path: Path, kind: str):
    session = written(tmp_path, kind, segment({"a": [0.1]}), segment({"a": [5.5]}, start=5.0, stop=6.0))
    assert_allclose(session.trials["start_time"], [0.0, 5.0])
    assert_allclose(session.spike_times_s[0], [0.1, 5.5])
    assert_allclose(session.observed_s[0], [[0.0, 2.0], [5.0, 6.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_clock_that_starts_before_zero_is_shifted(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture):
    made = segment({"a": [-0.25, 0.5]}, start=-0.5)
    made.epochs.append(epochs("trials", [0.0], ["x"]))
    with caplog.at_level(logging.INFO):
        session = written(tmp_path, kind, made)
    assert_allclose(session.spike_times_s[0], [0.25, 1.0])
    assert_allclose(session.trials["start_time"], [0.5])
    assert_allclose(session.observed_s[0], [[0.0, 2.5]])
    assert "all times are shifted by 0.5 s" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_that_a_segment_lacks_was_not_observed_there(tmp_path: Path, kind: str):
    session = written(tmp_path, kind, segment({"a": [0.1], "b": [0.2]}), segment({"b": [0.3], "a": []}))
    assert session.unit_names == ("a", "b")
    session = written(tmp_path, kind, segment({"a": [0.1], "b": [0.2]}), segment({"b": [0.3]}))
    assert_allclose(session.observed_s[0], [[0.0, 2.0]])
    assert_allclose(session.observed_s[1], [[0.0, 2.0], [3.0, 5.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_signals_keep_name_unit_and_clock(tmp_path: Path, kind: str):
    made = segment({"a": [0.1]})
    values = np.arange(40.0).reshape(20, 2)
    made.analogsignals.append(neo.AnalogSignal(values, units="mV", sampling_rate=10 * pq.Hz, name="lfp"))
    made.irregularlysampledsignals.append(
        neo.IrregularlySampledSignal([0, 100, 500] * pq.ms, [1, 2, 3] * pq.V, name="eye")
    )
    signals = written(tmp_path, kind, made).signals
    assert signals["lfp"].unit == "mV"
    assert_array_equal(signals["lfp"].values, values)
    assert_allclose(signals["lfp"].times_s, np.arange(20) / 10, atol=1e-12)
    assert_allclose(signals["eye"].times_s, [0.0, 0.1, 0.5], atol=1e-12)
    assert_array_equal(signals["eye"].values[:, 0], [1, 2, 3])


def test_unnamed_trains_are_followed_by_annotation_or_by_place(tmp_path: Path):
    made = segment({"": [0.1]})
    made.spiketrains.append(neo.SpikeTrain([0.2] * pq.s, t_stop=2 * pq.s))
    assert written(tmp_path, "nix", made).unit_names == ("0", "1")
    for number, train in enumerate(made.spiketrains):
        train.annotate(unit_id=10 + number)
    assert written(tmp_path, "nix", made).unit_names == ("10", "11")


def test_unnamed_trains_whose_number_differs_cannot_be_followed(tmp_path: Path):
    first, second = segment({"": [0.1]}), segment({"": [0.1]})
    second.spiketrains.append(neo.SpikeTrain([0.2] * pq.s, t_stop=2 * pq.s))
    with pytest.raises(DataError, match=r"made\.nix: its segments hold \[1, 2\] spike trains without names"):
        written(tmp_path, "nix", first, second)


def test_times_of_a_grid_stay_on_the_grid(tmp_path: Path):
    grid = np.round(np.arange(1, 1999) / 1000, 3)
    session = written(tmp_path, "nix", segment({"a": list(grid)}))
    cut = trials_from_session(session, Window(bin_size_s=0.001, window_s=(0.0, 2.0), every_s=2.0, lead_s=0.0))
    assert_array_equal(np.flatnonzero(cut.counts[0, :, 0] == 1), np.arange(1, 1999))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_spike_trains(tmp_path: Path, kind: str):
    made = segment({})
    made.events.append(events("cue", [0.1], ["go"]))
    with pytest.raises(DataError, match=rf"made\.{kind}: neo cannot read it .*no spike trains in it: no units"):
        written(tmp_path, kind, made)


def test_a_truncated_nix_file(tmp_path: Path):
    written(tmp_path, "nix", segment({"a": [0.1]}))
    content = (tmp_path / "made.nix").read_bytes()
    (tmp_path / "made.nix").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"made\.nix: neo cannot read it as a recording with units; tried: NixIO"):
        read_recording(tmp_path / "made.nix")


def test_reading_does_not_write_to_the_file(tmp_path: Path):
    written(tmp_path, "nix", segment({"a": [0.1]}))
    content = (tmp_path / "made.nix").read_bytes()
    (tmp_path / "made.nix").chmod(0o444)
    read_recording(tmp_path / "made.nix", format="neo:NixIO")
    assert (tmp_path / "made.nix").read_bytes() == content


def test_a_reader_that_loads_lazily(tmp_path: Path):
    """neo's example reader makes up two segments of 10 s and stands for all readers of raw formats."""
    (tmp_path / "made.fake").touch()
    session = read_recording(tmp_path / "made.fake", format="neo:ExampleIO")
    assert isinstance(session, Session)
    assert session.unit_names == ("unit0", "unit1", "unit2")
    assert_allclose(session.observed_s[0], [[0.0, 10.0], [15.0, 25.0]])
    assert set(session.trials["label"]) == {"zoneX", "zoneZ"}
    assert session.signals["stream 0"].values.shape == (200_000, 8)
