"""How much do single trials hold that the average threw away? One session's answer in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurodecode.report.choice import BITS, GAIN
from neurodecode.report.colours import ORACLE
from neurodecode.report.results import AGGREGATES
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.wording import interval, number, signed


@dataclass(frozen=True)
class Headline:
    """``sentence`` is the answer; ``details`` are sentences that put it in proportion.

    verdict: ``gain``, ``none``, ``loss`` or ``open``, by where the interval lies against 0.
    """

    sentence: str
    verdict: str
    details: tuple[str, ...] = ()


def headline(scores: ScoreTable, families: Mapping[str, str]) -> Headline:
    """The answer for one session, from its scores and each model's family."""
    psth = next((m for m, family in families.items() if family == "psth"), None)
    single = [m for m, family in families.items() if family not in (*AGGREGATES, ORACLE)]
    if psth is None:
        return _without_psth(scores, families)
    candidates = [m for m in single if scores.get(m, GAIN).known]
    if not candidates:
        told = number(scores.get(psth, BITS).value)
        return Headline(
            f"No model that sees single trials was scored, so the question stays open; the PSTH tells {told} "
            "bits/spike.",
            "open",
        )
    best = max(candidates, key=lambda m: scores.get(m, GAIN).value)
    gain = scores.get(best, GAIN)
    sentence, verdict = _answer(best, gain, n_models=len(candidates))
    if families[best] == "psth_gain" and verdict == "gain":
        details_of_best = f"{best} follows only the trial's overall gain: this is slow change, not spike history."
    else:
        details_of_best = ""
    details = [
        details_of_best,
        _psth_itself(scores, psth),
        _strongest_aggregate(scores, families, best),
        _oracle(scores, gain),
    ]
    return Headline(sentence, verdict, tuple(text for text in details if text))


def _answer(best: str, gain: Estimate, *, n_models: int) -> tuple[str, str]:
    bounds = f"95% interval {interval(gain)}" if gain.has_interval else "no interval could be reckoned"
    the_best = f"the best model ({best})" if n_models > 1 else f"the model ({best})"
    if gain.below_zero:
        all_of_them = "Every model of single trials predicts" if n_models > 1 else f"The model ({best}) predicts"
        which = f"even the best ({best})" if n_models > 1 else "it"
        return (
            f"{all_of_them} held-out trials worse than the PSTH: {which} loses {number(-gain.value)} bits/spike "
            f"({bounds}).",
            "loss",
        )
    if gain.has_interval and not gain.above_zero:
        return (
            f"No gain over the PSTH is shown: {the_best} differs from it by {signed(gain.value)} bits/spike on "
            f"held-out single trials, and the {bounds} includes 0.",
            "none",
        )
    if not gain.has_interval and gain.value <= 0:
        return (
            f"No gain over the PSTH is shown: {the_best} differs by {signed(gain.value)} bits/spike ({bounds}).",
            "none",
        )
    return (
        f"On single trials, {the_best} predicts {number(gain.value)} bits/spike more than the PSTH ({bounds}).",
        "gain" if gain.has_interval else "open",
    )


def _psth_itself(scores: ScoreTable, psth: str) -> str:
    told = scores.get(psth, BITS)
    return f"The PSTH itself tells {number(told.value)} bits/spike over a constant rate." if told.known else ""


def _strongest_aggregate(scores: ScoreTable, families: Mapping[str, str], best: str) -> str:
    """Beating a weak PSTH proves nothing: the best aggregate and the gain-scaled PSTH are named where they win."""
    rivals = [m for m, family in families.items() if family in ("poisson", "psth_gain") and m != best]
    rivals = [m for m in rivals if scores.get(m, GAIN).known and scores.get(m, GAIN).value > 0]
    if not rivals:
        return ""
    rival = max(rivals, key=lambda m: scores.get(m, GAIN).value)
    ahead = scores.get(best, GAIN).value - scores.get(rival, GAIN).value
    knows = (
        "sees no spikes of the trial" if families[rival] == "poisson" else "follows only the trial's overall gain"
    )
    gains = f"{rival}, which {knows}, gains {signed(scores.get(rival, GAIN).value)} over the PSTH already"
    return f"{gains}; {best} stands {signed(ahead)} from there."


def _oracle(scores: ScoreTable, gain: Estimate) -> str:
    truth = scores.get(ORACLE, GAIN)
    if not truth.known:
        return ""
    if truth.value <= 0 or gain.value <= 0 or truth.value < 0.005:
        return f"The true intensity gains {signed(truth.value)} bits/spike."
    return f"That is {gain.value / truth.value:.0%} of what the true intensity gains ({number(truth.value)})."


def _without_psth(scores: ScoreTable, families: Mapping[str, str]) -> Headline:
    candidates = [m for m in families if m != ORACLE and scores.get(m, BITS).known]
    if not candidates:
        return Headline("No model was scored on this session.", "open")
    best = max(candidates, key=lambda m: scores.get(m, BITS).value)
    told = scores.get(best, BITS)
    bounds = f" (95% interval {interval(told)})" if told.has_interval else ""
    return Headline(
        f"This run has no PSTH to compare with; the best model ({best}) tells {number(told.value)} bits/spike "
        f"over a constant rate on held-out trials{bounds}.",
        "open",
    )
