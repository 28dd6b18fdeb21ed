"""What a figure file hands back: the picture and the words that go with it; all figures of a session drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from matplotlib.figure import Figure

from neurodecode.report.style import FAINT, balanced, drawing, new_figure, save_figure

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """One figure.

    title: its message with the number. caption: what is drawn and how it was reckoned. alt: the same for those who
    cannot see it. rule: how units and trials were chosen. absent: why there is no picture, where there is none.
    """

    figure: Figure | None
    title: str
    caption: str
    alt: str
    rule: str = ""
    absent: str = ""


def absent(title: str, reason: str) -> Drawn:
    """No picture, and the reason for it."""
    return Drawn(figure=None, title=title, caption="", alt=f"{title}: {reason}", absent=reason)


def described(name: str, heading: str, drawn: Drawn) -> dict[str, str]:
    """A figure's words as the page reads them."""
    return {
        "name": name,
        "file": f"{name}.png",
        "heading": heading,
        "title": drawn.title,
        "caption": drawn.caption,
        "alt": drawn.alt,
        "rule": drawn.rule,
        "absent": drawn.absent,
    }


def draw_all(
    figures: Mapping[str, ModuleType], results: Any, folder: Path, session: str
) -> Iterator[dict[str, str]]:
    """Draw each figure as PNG in ``folder``, and give its words as the page reads them.

    figures: name of the file, less ``.png`` -> the module whose ``draw(results)`` draws it. A figure that cannot
    be drawn becomes a picture of the reason, so that the files are always the same.
    """
    with drawing():
        for name, module in figures.items():
            drawn: Drawn = module.draw(results)
            save_figure(drawn.figure or explained(module.HEADING, drawn.absent), folder / f"{name}.png")
            log.info("%s: %s: %s", session, name, drawn.absent or drawn.title)
            yield described(name, module.HEADING, drawn)


def explained(heading: str, reason: str) -> Figure:
    """A picture of the reason why there is none."""
    figure = new_figure(1.3, heading)
    text = balanced(f"Not drawn: {reason}.", 95)
    figure.text(0.008, 0.5, text, va="top", color=FAINT, fontsize=10)
    return figure
