"""The stimulus-locked responses that all simulated populations share.

Four directions of a stimulus, twelve units. A unit fires at its baseline before the stimulus; a brief response
and a later, broader one follow, each a Gaussian in time, tuned to a direction of its own (von Mises of
concentration 1 with peak 1). The table ``RESPONSES`` was drawn once and stays.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

DIRECTIONS_DEG = (0.0, 90.0, 180.0, 270.0)
CONDITION_NAMES = ("right", "up", "left", "down")
UNIT_NAMES = tuple(f"unit_{number:02d}" for number in range(1, 13))
CONCENTRATION = 1.0

COLUMNS = (
    "baseline_hz",
    "early_hz",
    "early_ms",
    "early_sd_ms",
    "early_direction_deg",
    "late_hz",
    "late_ms",
    "late_sd_ms",
    "late_direction_deg",
)
RESPONSES = np.array(
    [
        [6.9, 49, 106, 59, 353, 27, 385, 174, 314],
        [4.6, 45, 179, 46, 24, 11, 496, 122, 290],
        [8.4, 57, 177, 52, 53, 38, 535, 163, 352],
        [6.7, 45, 132, 30, 85, 36, 531, 159, 49],
        [5.5, 31, 111, 51, 115, 25, 466, 179, 189],
        [8.2, 42, 133, 34, 157, 20, 391, 156, 227],
        [11.9, 65, 122, 46, 181, 37, 356, 145, 149],
        [13.7, 93, 127, 55, 210, 49, 543, 140, 237],
        [7.9, 43, 159, 46, 233, 18, 337, 112, 167],
        [9.1, 75, 171, 48, 274, 29, 423, 192, 16],
        [13.7, 79, 76, 34, 304, 54, 376, 167, 30],
        [14.0, 76, 168, 58, 325, 44, 456, 177, 279],
    ]
)


def responses_hz(times_s: Float[np.ndarray, " steps"]) -> Float[np.ndarray, "conditions steps units"]:
    """Stimulus-locked rate (Hz) of each unit at times against the stimulus."""
    columns = dict(zip(COLUMNS, RESPONSES.T, strict=True))
    directions = np.array(DIRECTIONS_DEG)[:, None, None]
    total = np.broadcast_to(columns["baseline_hz"], (len(DIRECTIONS_DEG), times_s.size, len(UNIT_NAMES))).copy()
    for part in ("early", "late"):
        away = np.deg2rad(directions - columns[f"{part}_direction_deg"])
        tuning = np.exp(CONCENTRATION * (np.cos(away) - 1.0))
        spread = (times_s[:, None] * 1000.0 - columns[f"{part}_ms"]) / columns[f"{part}_sd_ms"]
        total += columns[f"{part}_hz"] * tuning * np.exp(-0.5 * spread**2)
    return total
