"""What a figure file hands back: the picture and the words that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


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
