"""What a figure file hands back: the picture and the words that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from neurodecode.report.style import FAINT, balanced, new_figure


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


def explained(heading: str, reason: str) -> Figure:
    """A picture of the reason why there is none."""
    figure = new_figure(1.3, heading)
    text = balanced(f"Not drawn: {reason}.", 95)
    figure.text(0.008, 0.5, text, va="top", color=FAINT, fontsize=10)
    return figure
