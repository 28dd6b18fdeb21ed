"""Which classes are taken for which: the aggregate baseline beside the best decoder of single trials."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from neurodecode.metrics.classification import confusion_matrix
from neurodecode.report.decoding.appearance import told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.style import INK, new_figure, shortened
from neurodecode.report.wording import listed, number

HEADING = "Confusions"
WRITTEN_CLASSES = 10  # up to here cells hold their numbers
NAMED_CLASSES = 30


def draw(results: DecodingResults) -> Drawn:
    """Confusion matrices; each row adds up to 1."""
    if results.kind != "class":
        return absent(HEADING, f"a {results.kind} is decoded, not a class")
    found = results.comparison
    shown = [d for d in (found.baseline, found.best) if d is not None]
    if not shown:
        return absent(HEADING, "no decoder of this session was scored")
    counts = {d: _matrix(results, d) for d in shown}
    title = _title(results, counts[shown[-1]], shown[-1])
    figure = new_figure(4.5, title)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for place, (axes, name) in enumerate(zip(panels, shown, strict=True)):
        image = _draw_matrix(axes, counts[name], results, first=place == 0)
        kind = "aggregate" if found.aggregate(name) else "single trials"
        right = number(results.scores.get(name, "accuracy").value, 2)
        axes.set_title(f"{told(name, results.causal)}, {kind}: {right} right")
    figure.colorbar(image, ax=list(panels), label="share of the true class's trials", shrink=0.8)
    said = listed([told(d, results.causal) for d in shown])
    return Drawn(
        figure=figure,
        title=title,
        caption="Held-out trials of each true class (row) by the class that they were decoded as (column); a row "
        "adds up to 1, and what stands off the diagonal is mistaken."
        + (" Numbers: trials." if results.classes.size <= WRITTEN_CLASSES else ""),
        alt=f"Confusion matrices of {said}. {title}.",
        rule="The best decoder of single trials (least log loss) and the aggregate that it is held against.",
    )


def _matrix(results: DecodingResults, name: str) -> np.ndarray:
    probabilities = results.decoded[name].probabilities_of(results.classes, name)
    return confusion_matrix(probabilities[results.tested], results.codes[results.tested])


def _draw_matrix(axes: Axes, counts: np.ndarray, results: DecodingResults, *, first: bool) -> AxesImage:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    n = results.classes.size
    if n <= WRITTEN_CLASSES:
        for (true, decoded), count in np.ndenumerate(counts):
            colour = "white" if share[true, decoded] > 0.55 else INK
            axes.text(decoded, true, str(count), ha="center", va="center", fontsize=8.5, color=colour)
    names = [shortened(str(name), 12) for name in results.classes] if n <= NAMED_CLASSES else []
    turned = max(map(len, names), default=0) * n > 32
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    axes.set_yticks(range(len(names)), names if first else [])
    axes.tick_params(length=0)
    axes.set_xlabel(f"decoded {results.target.name}")
    if first:
        axes.set_ylabel(f"true {results.target.name}")
    return image


def _title(results: DecodingResults, counts: np.ndarray, name: str) -> str:
    """The commonest mistake, as a share of the trials of its true class."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, 0.0)
    true, decoded = np.unravel_index(int(share.argmax()), share.shape)
    if share[true, decoded] == 0:
        return f"{shortened(name)} mistakes no {results.target.name}"
    names = [shortened(str(results.classes[place]), 16) for place in (true, decoded)]
    mistake = f"{share[true, decoded]:.0%} of {names[0]} are taken for {names[1]}"
    return f"Commonest mistake of {shortened(name)}: {mistake}"
