"""What jobs ask a cluster for, from the size of what they read.

Fits cost in proportion to counts: trials times bins, those of the lead too, times units. The constants are what
was measured (recordings.csv, recovery.csv and large_sessions.csv in benchmarks/results) with a margin of three or
more in time and of one and a half or more in memory: too little ends in a second attempt, which asks for more.
"""

import ast
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

LONGEST_MIN = 7 * 24 * 60  # what most clusters allow at most
SMALL_MIN = 30  # a job that asks for no more goes together with others of its recording
SIMULATED_COUNTS = 20_000  # of one trial of a simulated population
COUNTS_PER_MB = 2_000_000  # of a recording that has not been read yet
MOST_UNREAD_COUNTS = 100_000_000


@dataclass(frozen=True)
class Cost:
    """Memory and time of one kind of job: what it costs at all, and what each count adds.

    ``early_bytes``: what each count adds beside until that comes to ``early_mb``: fits hold the columns of some
    units, or the activity of one batch, whole while these are small, and in pieces of one size where they are not.
    """

    base_mb: int
    bytes_per_count: float
    base_min: int
    seconds_per_million: float
    early_bytes: float = 0.0
    early_mb: int = 0

    def memory_mb(self, counts: int, attempt: int) -> int:
        """Memory to ask for (MB); twice and three times as much in the second and third attempt."""
        early_mb = min(self.early_bytes * counts / 1e6, self.early_mb)
        return int((self.base_mb + early_mb + self.bytes_per_count * counts / 1e6) * attempt)

    def minutes(self, counts: int, attempt: int, repeats: int = 1) -> int:
        """Time to ask for (min), for ``repeats`` such pieces of work: folds, models."""
        asked = self.base_min + repeats * self.seconds_per_million * counts / 1e6 / 60
        return min(int(asked * attempt), LONGEST_MIN)


SMALL_FIT = Cost(700, 16, 5, 6)  # constant, psth, psth_gain, poisson, markov; most decoders
GLM_FIT = Cost(900, 13, 5, 15, early_bytes=150, early_mb=2300)
NETWORK_FIT = Cost(1800, 7.5, 60, 270, early_bytes=400, early_mb=12_000)  # on a CPU; a small one imports torch
SCORES = Cost(800, 16, 10, 10)
DRAWING = Cost(900, 16, 15, 5)
DERIVED = Cost(800, 16, 10, 2)


def ingest_memory_mb(size_mb: float, attempt: int) -> int:
    """Memory to read a recording of this size: trials are held, raw signals are not.

    At 10 Hz and 1 ms a spike of 8 bytes stands for 100 bins of one byte each.
    """
    return int((900 + min(16 * size_mb, 32_000)) * attempt)


def ingest_minutes(size_mb: float, attempt: int) -> int:
    """Time to read a recording of this size."""
    return min(int((10 + size_mb / 100) * attempt), LONGEST_MIN)


def counts_in(trials: Path) -> int | None:
    """Trials times steps times units of a file of trials, from its header; None where there is none."""
    try:
        with zipfile.ZipFile(trials) as held, held.open("counts.npy") as file:
            kind = "<H" if file.read(8)[6] == 1 else "<I"  # numpy's header, by its version
            length = struct.unpack(kind, file.read(struct.calcsize(kind)))[0]
            shape = ast.literal_eval(file.read(length).decode("latin1"))["shape"]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError, IndexError, struct.error):
        return None
    n_trials, n_steps, n_units = shape
    return int(n_trials * n_steps * n_units)


def expected_counts(trials: Path, recording: Path | None, n_trials: int | None) -> int:
    """The same where it is there, else a guess from the recording's size, or from the trials to be simulated."""
    known = counts_in(trials)
    if known is not None:
        return known
    if n_trials is not None:
        return n_trials * SIMULATED_COUNTS
    size_mb = recording.stat().st_size / 1e6 if recording is not None and recording.is_file() else 1.0
    return min(int(size_mb * COUNTS_PER_MB), MOST_UNREAD_COUNTS)
