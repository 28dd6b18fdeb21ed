"""How figures look: one style, drawn through the Figure API so that no state is shared between them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from neurodecode.data.store import written_whole

WIDTH_IN = 8.0
DOTS_PER_INCH = 200  # twice the pixels of the column the page shows it in
LEGEND_CHARACTERS = 130
INK, FAINT, GRID = "#222222", "#6B6B6B", "#E4E4E4"

_RC: Mapping[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same text everywhere
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,  # names of units and conditions may hold dollar signs
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "agg.path.chunksize": 10000,
}


@contextmanager
def drawing() -> Iterator[None]:
    """The style, for everything drawn and saved inside."""
    with matplotlib.rc_context(dict(_RC)):
        yield


def new_figure(height_in: float, title: str) -> Figure:
    """An empty figure of the common width with its message on top."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(balanced(title), x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    return figure


def balanced(title: str, width: int = 78) -> str:
    """The title on as few lines as it needs, of about one length."""
    tried = [textwrap.wrap(title, w, break_long_words=False) for w in range(20, width + 1)]
    return "\n".join(next(lines for lines in tried if len(lines) <= len(tried[-1])))


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all, with nothing in it that changes from run to run."""
    with written_whole(path) as part:
        figure.savefig(part, format="png", dpi=DOTS_PER_INCH, metadata={"Software": "neurodecode"})


def model_legend(figure: Figure, colours: Mapping[str, str], **line: Any) -> None:
    """One legend for all panels, below them; as many columns as the names leave room for."""
    if not colours:
        return
    handles = [Line2D([], [], color=colour, **{"linewidth": 2.4, **line}) for colour in colours.values()]
    legend_below(figure, handles, [shortened(name) for name in colours])


def legend_below(figure: Figure, handles: Sequence[Artist], names: Sequence[str], **line: Any) -> None:
    """A legend below all panels, in as many columns as its longest name leaves room for."""
    columns = max(1, LEGEND_CHARACTERS // (max(map(len, names)) + 7))
    figure.legend(handles, names, loc="outside lower center", ncols=min(columns, len(names)), **line)


def shortened(name: str, width: int = 22) -> str:
    """The name, its middle left out where it is longer than ``width``."""
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[-(width - 1 - head) :]}"


def unit_label(name: str) -> str:
    """``unit 3``, and ``unit_03`` as it is."""
    return shortened(name) if name.lower().startswith("unit") else f"unit {shortened(name)}"


def log_axis(axes: Axes) -> None:
    """A logarithmic x axis, labelled in plain numbers: decades, or 1, 2 and 5 where it spans few of them."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    few = high < 50 * low
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def log_ordinate(axes: Axes) -> None:
    """A logarithmic y axis, labelled at decades in plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def zero_line(axes: Axes, *, at: float = 0.0, horizontal: bool = True) -> None:
    """A thin reference line behind the data."""
    draw = axes.axhline if horizontal else axes.axvline
    draw(at, color=FAINT, linewidth=0.8, zorder=1.2)


def grid_of(n_panels: int, widest: int) -> tuple[int, int]:
    """Rows and columns of a grid of panels, at most ``widest`` in a row and as few left empty as can be."""
    rows = -(-n_panels // widest)
    return rows, -(-n_panels // rows)
