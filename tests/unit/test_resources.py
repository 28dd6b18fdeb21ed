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
# What was held (MB) at so many counts, trials x steps x units: docs/results.md, "Large sessions".
MEASURED = [
    (SMALL_FIT, 1_500_000_000, 5498),  # poisson; psth holds less
    (GLM_FIT, 1_920_000, 572),
    (GLM_FIT, 3_840_000, 686),
    (GLM_FIT, 30_000_000, 1759),
    (NETWORK_FIT, 3_840_000, 1400),
    (NETWORK_FIT, 18_000_000, 5719),
]


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


def test_what_is_held_whole_while_it_is_small_stops_growing():
    cost = Cost(base_mb=100, bytes_per_count=10, base_min=5, seconds_per_million=30, early_bytes=50, early_mb=200)
    assert cost.memory_mb(2_000_000, attempt=1) == 100 + 100 + 20
    assert cost.memory_mb(4_000_000, attempt=1) == 100 + 200 + 40
    assert cost.memory_mb(40_000_000, attempt=2) == 2 * (100 + 200 + 400)


@pytest.mark.parametrize(("cost", "counts", "held_mb"), MEASURED)
def test_the_memory_asked_for_is_one_and_a_half_times_what_was_held(cost, counts, held_mb):
    assert cost.memory_mb(counts, attempt=1) > 1.5 * held_mb


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
    assert ingest_memory_mb(100, 1) == 2500
    assert ingest_memory_mb(100, 2) == 5000
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
