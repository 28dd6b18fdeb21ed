"""What jobs ask a cluster for grows with what they read and with the attempt."""

from pathlib import Path

import pytest
import yaml

from neurodecode.data.store import save_trials
from workflow.resources import (
    COUNTS_PER_MB,
    GLM_FIT,
    LONGEST_MIN,
    MOST_UNREAD_COUNTS,
    NETWORK_FIT,
    SIMULATED_COUNTS,
    SMALL_FIT,
    Cost,
    counts_in,
    expected_counts,
    ingest_memory_mb,
    ingest_minutes,
)

ROOT = Path(__file__).resolve().parents[2]


def test_counts_are_read_from_the_header_of_a_file_of_trials(tmp_path, toy_trials):
    save_trials(tmp_path / "trials.npz", toy_trials)
    assert counts_in(tmp_path / "trials.npz") == toy_trials.counts.size


def test_what_is_no_file_of_trials_is_guessed(tmp_path):
    trials, recording = tmp_path / "trials.npz", tmp_path / "rat.nwb"
    assert counts_in(trials) is None
    trials.write_bytes(b"PK\x03\x04 cut short")
    assert counts_in(trials) is None
    recording.write_bytes(bytes(500_000))
    assert expected_counts(trials, recording, None) == COUNTS_PER_MB / 2
    with recording.open("wb") as file:
        file.truncate(10**12)
    assert expected_counts(trials, recording, None) == MOST_UNREAD_COUNTS
    assert expected_counts(trials, None, 30) == 30 * SIMULATED_COUNTS


def test_costs_follow_counts_repeats_and_the_attempt():
    cost = Cost(base_mb=100, bytes_per_count=10, base_min=5, seconds_per_million=30)
    assert cost.memory_mb(2_000_000, attempt=1) == 120
    assert cost.memory_mb(2_000_000, attempt=3) == 360
    assert cost.minutes(2_000_000, attempt=1) == 6
    assert cost.minutes(2_000_000, attempt=2, repeats=10) == 2 * (5 + 10)
    assert cost.minutes(10**12, attempt=1) == LONGEST_MIN


def test_large_sessions_fit_into_24_gb_in_the_first_attempt():
    large = 1_000 * 1_000 * 1_300  # units, trials, steps: a lead of 0.3 s and a second at 1 ms
    assert all(one.memory_mb(large, attempt=1) < 24_000 for one in (SMALL_FIT, GLM_FIT, NETWORK_FIT))


@pytest.mark.parametrize(("cost", "counts", "folds", "measured_s"), [
    (SMALL_FIT, 18_000_000, 1, 1.1), (GLM_FIT, 18_000_000, 1, 42.0), (NETWORK_FIT, 18_000_000, 1, 1446.7),
])  # fmt: skip
def test_the_time_asked_for_is_thrice_what_was_measured(cost, counts, folds, measured_s):
    # benchmarks/results/recovery.csv: refractory_adapting, 1000 trials of 1500 steps and 12 units
    assert cost.minutes(counts, attempt=1, repeats=folds) * 60 > 3 * measured_s


def test_reading_grows_with_the_file_but_not_with_raw_signals_without_end():
    assert ingest_memory_mb(100, 1) == 1700
    assert ingest_memory_mb(100, 2) == 3400
    assert ingest_memory_mb(10**6, 1) < 40_000
    assert ingest_minutes(1000, 1) == 20
    assert ingest_minutes(10**9, 3) == LONGEST_MIN


def test_the_profile_names_partitions_in_one_place_and_groups_that_there_are():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    partitions = yaml.safe_load((ROOT / "profiles/slurm" / profile["slurm-partition-config"]).read_text())
    assert "slurm_partition" not in str(profile)
    assert any(limits.get("max_gpu") for limits in partitions["partitions"].values())
    assert any(not limits.get("max_gpu") for limits in partitions["partitions"].values())
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    assert all(f'group_of("{group}")' in rules for group in profile["group-components"])


def test_every_rule_states_threads_memory_time_and_its_lane():
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for rule in file.read_text().split("\nrule ")[1:]:
            wanted = ["threads:", "mem_mb=", "runtime="]
            wanted += ["lane=1"] if "    group:" in rule else []
            missing = [word for word in wanted if word not in rule]
            assert not missing, (file.name, rule.split(":")[0], missing)
