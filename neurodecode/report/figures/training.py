"""Learning curves of models that are trained by epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from neurodecode.metrics.bits import NATS_PER_BIT
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import FAINT, INK, new_figure, shortened, zero_line
from neurodecode.report.wording import listed, number, plural

HEADING = "Training curves"
COLUMNS = 3


def draw(results: SessionResults) -> Drawn:
    """Training and validation score against epoch, a line for each fold and seed; a dot where training stopped."""
    curves = {m: list(_curves(results.fits.get(m, {}))) for m in results.models}
    curves = {m: held for m, held in curves.items() if held}
    if not curves:
        return absent(HEADING, "no model of this session is trained by epochs")
    title = _title(curves)
    rows = -(-len(curves) // COLUMNS)
    figure = new_figure(0.9 + 2.4 * rows, title)
    panels = figure.subplots(rows, min(COLUMNS, len(curves)), sharey=True, squeeze=False).ravel()
    for axes, (model, held) in zip(panels, curves.items(), strict=False):
        for curve in held:
            _draw_curve(axes, curve, results.colours[model])
        axes.set_title(f"{shortened(model)} ({plural(len(held), 'run')})")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        zero_line(axes)
        axes.grid(axis="y")
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    panels[0].set_ylabel("gain since the start (bits/spike)")
    _legend(figure)
    return Drawn(
        figure=figure,
        title=title,
        caption="Likelihood won since before the first epoch, when the network is the GLM on its inputs; a line "
        "for each fold and seed. The weights that predict held-out trials are those of the epoch that the "
        "validation trials liked best (dot); test trials take no part. Training trials are scored under dropout.",
        alt=f"Learning curves of {listed(list(curves))}. {title}.",
    )


def _curves(fit: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for fold in fit.get("folds", []):
        for curve in fold.get("diagnostics", {}).get("curves", []):
            if len(curve.get("validation", [])) > 0:
                yield curve


def _gained(losses: Sequence[float]) -> np.ndarray:
    """Bits/spike won since before the first epoch, from losses in nats/spike."""
    nats = np.array(losses, dtype=float)
    return np.asarray((nats[:1] - nats) / NATS_PER_BIT)


def _draw_curve(axes: Axes, curve: Mapping[str, Any], colour: str) -> None:
    train, validation = (_gained(curve.get(name, [])) for name in ("train", "validation"))
    axes.plot(np.arange(train.size), train, color=FAINT, linewidth=0.9, alpha=0.7)
    axes.plot(np.arange(validation.size), validation, color=colour, linewidth=1.3)
    best = curve.get("best_epoch")
    if best is not None and 0 <= best < validation.size:
        axes.plot(best, validation[best], "o", color=colour, ms=5, mec="white", mew=0.8, zorder=4)


def _legend(figure: Any) -> None:
    handles = [
        Line2D([], [], color=FAINT, linewidth=1.2),
        Line2D([], [], color=INK, linewidth=1.6),
        Line2D([], [], color=INK, marker="o", linewidth=0),
    ]
    names = ["training trials", "validation trials (model's colour)", "epoch that was kept"]
    figure.legend(handles, names, loc="outside lower center", ncols=3)


def _title(curves: Mapping[str, list[Mapping[str, Any]]]) -> str:
    won = {
        model: float(np.median([_gained(curve["validation"])[curve.get("best_epoch", 0)] for curve in held]))
        for model, held in curves.items()
    }
    told = listed([f"{number(value)} bits/spike ({shortened(model)})" for model, value in won.items()])
    return f"On validation trials, training gains {told} over the start"
