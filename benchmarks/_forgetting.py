"""Tables and the figure of what a network forgets, from the rows of `benchmarks.continual_learning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from benchmarks._rows import Rows
from neurodecode.metrics.transfer import backward_transfer, learnt_when_new

COLOURS = {  # Okabe and Ito's; one remedy at three strengths from light to dark
    "none": "#4D4D4D",
    "consolidation 1": "#56B4E9",
    "consolidation 5": "#0072B2",
    "consolidation 30": "#003F66",
    "replay": "#009E73",
    "projection": "#D55E00",
}


@dataclass(frozen=True, eq=False)
class Forgetting:
    """gains: remedy -> (repeats, trained, tasks), NaN where not trained so far. overlaps: measure -> remedy ->
    (repeats, trained)."""

    populations: tuple[str, ...]
    gains: dict[str, np.ndarray]
    overlaps: dict[str, dict[str, np.ndarray]]

    @classmethod
    def read(cls, rows: Rows, populations: Sequence[str]) -> Forgetting:
        """From the CSV; ValueError where nothing was measured."""
        held = rows.read()
        whole = sorted({row["repeat"] for row in held if row["remedy"] == "together"}, key=int)
        if not whole:
            raise ValueError(f"{rows.path}: no repeat is whole; run fit first")
        place = {name: number for number, name in enumerate(populations)}
        gains: dict[str, np.ndarray] = {}
        overlaps: dict[str, dict[str, np.ndarray]] = {}
        for row in held:
            if row["repeat"] not in whole:
                continue
            at, trained = whole.index(row["repeat"]), place[row["after"]]
            if row["measure"] == "gain":
                blank = np.full((len(whole), len(place), len(place)), np.nan)
                gains.setdefault(row["remedy"], blank)[at, trained, place[row["task"]]] = float(row["value"])
            else:
                blank = np.full((len(whole), len(place)), np.nan)
                of = overlaps.setdefault(row["measure"], {}).setdefault(row["remedy"], blank)
                of[at, trained] = float(row["value"])
        return cls(tuple(populations), gains, overlaps)

    @property
    def in_turn(self) -> list[str]:
        """Remedies that learnt the tasks one after another."""
        return [name for name in COLOURS if name in self.gains and np.isfinite(self.gains[name]).all()]

    def each(self, remedy: str) -> dict[str, np.ndarray]:
        """Backward transfer, what was learnt when new, and the mean gain at the end, of each repeat."""
        gains = self.gains[remedy]
        return {
            "backward transfer": np.array([backward_transfer(one) for one in gains]),
            "learnt when new": np.array([learnt_when_new(one) for one in gains]),
            "mean gain at the end": gains[:, -1].mean(axis=1),
        }

    def tables(self) -> str:
        """Markdown."""
        return "\n\n".join([self._summary(), *(self._matrix(remedy) for remedy in self.in_turn), self._overlaps()])

    def _summary(self) -> str:
        names = list(self.each("none"))
        lines = [
            f"| remedy | {' | '.join(names)} | forgotten less than without |",
            f"|{' --- |' * (len(names) + 2)}",
        ]
        without = self.each("none")["backward transfer"]
        for remedy in self.in_turn:
            found = self.each(remedy)
            paired = "" if remedy == "none" else interval(found["backward transfer"] - without)
            lines.append(f"| {remedy} | {' | '.join(interval(found[name]) for name in names)} | {paired} |")
        lines.append(f"| all at once | | | {interval(self.gains['together'][:, -1].mean(axis=1))} | |")
        return "\n".join(lines)

    def _matrix(self, remedy: str) -> str:
        lines = [f"{remedy}: gain over the PSTH (bits/spike) of each population, after", ""]
        lines += [
            f"| learnt last | {' | '.join(self.populations)} |",
            f"|{' --- |' * (len(self.populations) + 1)}",
        ]
        for number, name in enumerate(self.populations):
            cells = [interval(self.gains[remedy][:, number, task]) for task in range(len(self.populations))]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def _overlaps(self) -> str:
        later = range(1, len(self.populations))
        lines = ["| remedy | task | new gradient in the old subspace | whole move in it | by chance |"]
        lines.append("| --- | --- | --- | --- | --- |")
        for remedy in self.in_turn:
            for task in later:
                found = [
                    interval(self.overlaps[measure][remedy][:, task])
                    for measure in ("gradient_overlap", "moved_overlap", "chance_overlap")
                ]
                lines.append(f"| {remedy} | {self.populations[task]} | {' | '.join(found)} |")
        return "\n".join(lines)


def bounds(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over repeats and its 95 percent interval by Student's t."""
    half = (
        student.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else 0.0
    )
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def interval(values: np.ndarray) -> str:
    """``0.123 [0.100, 0.146]``."""
    mean, low, high = bounds(values)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def draw(results: Forgetting, output: str | Path) -> None:
    """What is kept of the old against what is learnt of the new, a point a remedy."""
    from neurodecode.report.style import drawing, new_figure, save_figure, zero_line

    remedies, without = results.in_turn, bounds(results.each("none")["backward transfer"])[0]
    best = max(remedies, key=lambda remedy: bounds(results.each(remedy)["mean gain at the end"])[0])
    kept = bounds(results.each(best)["backward transfer"])[0]
    title = f"With {best} a network forgets {-kept:.2f} bits/spike on the mean, without a remedy {-without:.2f}"
    with drawing():
        figure = new_figure(3.9, title)
        axes = figure.add_subplot()
        for remedy in remedies:
            colour = COLOURS[remedy]
            found = results.each(remedy)
            x, y = (bounds(found[name]) for name in ("learnt when new", "backward transfer"))
            axes.plot(x[1:], [y[0]] * 2, color=colour, linewidth=1.8)
            axes.plot([x[0]] * 2, y[1:], color=colour, linewidth=1.8)
            axes.plot(x[0], y[0], "o", color=colour, ms=8, mec="white", label=remedy)
        zero_line(axes)
        axes.margins(0.12)
        axes.grid()
        axes.set_xlabel("gain of later sessions when just learnt (bits/spike over their PSTH)")
        axes.set_ylabel("backward transfer,\nmean of earlier sessions (bits/spike)")
        axes.legend(title="remedy", loc="center left", bbox_to_anchor=(1.01, 0.5))
        save_figure(figure, Path(output))
