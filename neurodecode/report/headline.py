"""How much do single trials hold that the average threw away? One session's answer in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from neurodecode.evaluation.comparison import AGGREGATES, BITS, GAIN, ORACLE, best_model, headline
from neurodecode.report.results import PSTH, aggregates
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.wording import interval, number, signed

LEAST_TRUTH = 0.005
"""Bits/spike below which a share of the oracle's gain means nothing."""


@dataclass(frozen=True)
class Answer:
    """``sentence`` is the answer; ``details`` are sentences that put it in proportion.

    verdict: ``gain``, ``none``, ``loss`` or ``open``, by where the interval lies against 0.
    """

    sentence: str
    verdict: str
    details: tuple[str, ...] = ()


def answer(frame: pd.DataFrame, scores: ScoreTable, session: str, families: Mapping[str, str]) -> Answer:
    """The answer for one session, from all scores, this session's, and each model's family."""
    flat = aggregates(families)
    found = headline(frame, session, exclude=flat)
    if found is None:
        return _without_psth(frame, scores, session)
    if found.model in flat:
        told = f"the PSTH tells {number(found.psth_bits)} bits/spike"
        return Answer(f"No model that sees single trials was scored, so the question stays open; {told}.", "open")
    gain = Estimate(found.gain, found.low, found.high)
    n_models = sum(m not in (*flat, ORACLE) and scores.get(m, GAIN).known for m in families)
    sentence, verdict = _answer(found.model, gain, n_models=n_models)
    details = [
        _slow_gain(found.model, families, verdict),
        f"The PSTH itself tells {number(found.psth_bits)} bits/spike over a constant rate.",
        _rival(scores, families, found.model),
        _oracle(gain, found.oracle, found.recovered),
    ]
    return Answer(sentence, verdict, tuple(text for text in details if text))


def _answer(best: str, gain: Estimate, *, n_models: int) -> tuple[str, str]:
    bounds = f"95% interval {interval(gain)}" if gain.has_interval else "no interval was reckoned"
    the_best = f"the best model ({best})" if n_models > 1 else f"the model ({best})"
    if gain.below_zero:
        all_of_them = "every model of single trials predicts" if n_models > 1 else f"the model ({best}) predicts"
        which = f"even the best ({best})" if n_models > 1 else "it"
        stands = f"{which} stands at {signed(gain.value)} bits/spike against it ({bounds})"
        return f"On single trials, {all_of_them} worse than the PSTH: {stands}.", "loss"
    differs = f"{the_best} differs from it by {signed(gain.value)} bits/spike"
    if gain.has_interval and not gain.above_zero:
        return f"On single trials, no gain over the PSTH is shown: {differs}, and the {bounds} includes 0.", "none"
    if gain.value <= 0:
        return f"On single trials, no gain over the PSTH is shown: {differs} ({bounds}).", "none"
    more = f"{the_best} predicts {number(gain.value)} bits/spike more than the PSTH ({bounds})"
    return f"On single trials, {more}.", "gain" if gain.has_interval else "open"


def _slow_gain(best: str, families: Mapping[str, str], verdict: str) -> str:
    if families[best] != "psth_gain" or verdict != "gain":
        return ""
    return f"{best} follows only the trial's overall gain: this is slow change, not spike history."


def _rival(scores: ScoreTable, families: Mapping[str, str], best: str) -> str:
    """Beating a weak PSTH proves nothing: a better aggregate, or the PSTH with a gain, is named where it wins."""
    plain = [m for m, family in families.items() if family in ("psth_gain", *AGGREGATES)]
    gains = {m: scores.get(m, GAIN) for m in plain if m not in (PSTH, best)}
    ahead = [m for m, gain in gains.items() if gain.above_zero]
    if not ahead:
        return ""
    rival = max(ahead, key=lambda m: gains[m].value)
    slow = families[rival] == "psth_gain"
    knows = "follows only the trial's overall gain" if slow else "sees no spike of the trial"
    left = signed(scores.get(best, GAIN).value - gains[rival].value)
    return f"{rival}, which {knows}, gains {signed(gains[rival].value)} already; {best} stands {left} from it."


def _oracle(gain: Estimate, truth: float | None, recovered: float | None) -> str:
    if truth is None:
        return ""
    if recovered is None or truth < LEAST_TRUTH or gain.value <= 0:
        return f"The true intensity gains {signed(truth)} bits/spike."
    return f"That is {recovered:.0%} of what the true intensity gains ({number(truth)})."


def _without_psth(frame: pd.DataFrame, scores: ScoreTable, session: str) -> Answer:
    best = best_model(frame, session)
    if best is None:
        return Answer("No model was scored on this session.", "open")
    told = scores.get(best, BITS)
    bounds = f" (95% interval {interval(told)})" if told.has_interval else ""
    return Answer(
        "The question stays open, for this run has no model called psth to compare with; the best model "
        f"({best}) tells {number(told.value)} bits/spike over a constant rate on held-out trials{bounds}.",
        "open",
    )
