"""Every session's gains beside each other: the answer of the whole run in one picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurodecode.evaluation.comparison import GAIN, ORACLE
from neurodecode.report.colours import model_colours, model_order
from neurodecode.report.results import PSTH
from neurodecode.report.scoretable import ScoreTable
from neurodecode.report.style import DOTS_PER_INCH, INK, model_legend, new_figure, shortened, zero_line

SPREAD = 0.62  # of the height of a session's row that its models share


def draw_forest(
    tables: Mapping[str, ScoreTable], families: Mapping[str, Mapping[str, str]], title: str
) -> Figure | None:
    """Gain over the PSTH of each model with its interval, a row for each session; None where nothing gained.

    ``tables`` and ``families``: session -> its scores, and each of its models' family.
    """
    together = {model: family for held in families.values() for model, family in held.items()}
    models = [m for m in model_order(together) if m not in ("constant", PSTH)]
    models = [m for m in models if any(table.get(m, GAIN).known for table in tables.values())]
    sessions = [name for name, table in tables.items() if any(table.get(m, GAIN).known for m in models)]
    if not models or not sessions:
        return None
    colours = model_colours(together)
    figure = new_figure(1.3 + (0.25 + 0.085 * len(models)) * len(sessions), title)
    axes = figure.add_subplot()
    for row, session in enumerate(sessions):
        _draw_session(axes, tables[session], models, colours, row)
    zero_line(axes, horizontal=False)
    for row in range(1, len(sessions)):
        axes.axhline(row - 0.5, color="#EEEEEE", linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(sessions)), [shortened(name, 28) for name in sessions])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(sessions) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.set_xlabel("gain over PSTH on held-out single trials (bits/spike, 95% interval)")
    model_legend(figure, {m: colours[m] for m in models})
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's content."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DOTS_PER_INCH, metadata={"Software": "neurodecode"})
    return content.getvalue()


def _draw_session(
    axes: Axes, table: ScoreTable, models: Sequence[str], colours: Mapping[str, str], row: int
) -> None:
    for place, model in enumerate(models):
        estimate = table.get(model, GAIN)
        if not estimate.known:
            continue
        y = row + (SPREAD * (place / (len(models) - 1) - 0.5) if len(models) > 1 else 0.0)
        if estimate.has_interval:
            axes.plot([estimate.low, estimate.high], [y, y], color=colours[model], linewidth=1.8)
        axes.plot(
            estimate.value, y, "D" if model == ORACLE else "o", color=colours[model], ms=5, mec="white", mew=0.6
        )
