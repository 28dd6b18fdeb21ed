"""What one bin of a streamed recurrent decoder takes.

    python -m benchmarks.decoder_latency      (--record to keep the rows)

Causal LSTM and GRU decoders of counts of many units are fitted briefly, then told one bin after another. The bar:
a step of one network of 100 hidden units takes less than 1 ms, median, on one core. Beside it the three averaged
networks of the defaults. Other work on the machine only makes steps longer.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks._rows import RESULTS, Rows, commit, machine
from neurodecode.decoders import build_decoder, decoder_types

COLUMNS = ("commit", "machine", "decoder", "networks", "hidden", "units", "steps", "median_ms", "p99_ms", "bar_ms")
BAR_MS = 1.0


def step_times_ms(family: str, *, hidden: int, seeds: int, n_units: int, n_steps: int) -> np.ndarray:
    """Milliseconds of each step of a stream, after a hundred that do not count."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (400, n_units)).astype(float)
    name = next(kind.__name__ for kind in decoder_types(family) if kind.kind == "signal")
    decoder = build_decoder(family, name, hidden=hidden, seeds=seeds, epochs=1, batches_per_epoch=2)
    stream = decoder.fit(counts, counts[:, :2].cumsum(axis=0)).stream()
    taken = []
    for number in range(n_steps + 100):
        started = time.perf_counter()
        stream.step(counts[number % len(counts)])
        taken.append(time.perf_counter() - started)
    return 1e3 * np.array(taken[100:])


def main() -> None:
    """Measure and print; keep the rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--csv", type=Path, default=RESULTS / "decoder_latency.csv")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = Rows(given.csv, COLUMNS) if given.record else None
    with threadpool_limits(limits=1):
        for family, hidden, seeds in (("lstm", 100, 1), ("gru", 100, 1), ("lstm", 256, 3), ("gru", 256, 3)):
            each = step_times_ms(family, hidden=hidden, seeds=seeds, n_units=given.units, n_steps=given.steps)
            median, late = (float(np.quantile(each, q)) for q in (0.5, 0.99))
            bar = BAR_MS if seeds == 1 else None
            mark = "      " if bar is None else "ok    " if median < bar else "MISSED"
            print(
                f"{mark} {family}, {seeds} x {hidden}: {median:.3f} ms, 99 of 100 below {late:.3f} ms", flush=True
            )
            if rows is not None:
                rows.append(
                    dict(
                        zip(
                            COLUMNS,
                            (
                                commit(),
                                machine("torch"),
                                family,
                                seeds,
                                hidden,
                                given.units,
                                given.steps,
                                median,
                                late,
                                bar or "",
                            ),
                            strict=True,
                        )
                    )
                )


if __name__ == "__main__":
    main()
