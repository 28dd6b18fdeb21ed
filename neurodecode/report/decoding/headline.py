"""What single trials tell of a class, a signal or a value beyond their average: one session's answer.

Nothing is claimed whose 95 percent interval does not exclude 0 (``comparison``).
"""

from __future__ import annotations

from dataclasses import dataclass

from neurodecode.evaluation._class_scores import PRIOR
from neurodecode.report.decoding.appearance import NOT_CAUSAL
from neurodecode.report.decoding.comparison import Comparison
from neurodecode.report.headline import Answer
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.wording import interval, listed, number, signed, with_interval

_METRIC = {"class": "accuracy", "signal": "r2", "value": "r2"}


@dataclass(frozen=True)
class Asked:
    """What was decoded: its name, and its unit where errors are told."""

    target: str
    unit: str


def decoding_answer(found: Comparison, asked: Asked, before: ScoreTable) -> Answer:
    """The answer of one session; ``before``: scores in the window before the stimulus, or an empty table."""
    best = found.best
    if best is None:
        return Answer(f"No decoder of single trials was scored on {asked.target}.", "open")
    if found.baseline is None:
        reached = with_interval(found.scores.get(best, _METRIC[found.kind]))
        what = "an accuracy" if found.kind == "class" else "an R2"
        return Answer(
            f"{_named(found, best)} reads {asked.target} with {what} of {reached}; this run has no decoder of the "
            "average to hold it against, so the question stays open.",
            "open",
            _details(found, asked, before, best),
        )
    sentence, verdict = _compared(found, asked, best, found.baseline)
    return Answer(sentence, verdict, _details(found, asked, before, best))


def _compared(found: Comparison, asked: Asked, best: str, baseline: str) -> tuple[str, str]:
    gain, n_able = found.gain(best), sum(not found.aggregate(d) for d in found.families)
    unit = "nats per trial of log loss" if found.kind == "class" else "of R2"
    bounds = f"95% interval {interval(gain)}" if gain.has_interval else "no interval was reckoned"
    which = f"the best decoder ({_named(found, best)})" if n_able > 1 else _named(found, best)
    average = "their mean" if found.kind == "value" else "the average response"
    if found.wins(best):
        more = f"{which} gains {number(gain.value)} {unit} on {baseline} ({bounds})"
        return f"Single trials tell more of {asked.target} than {average} does: {more}.", "gain"
    if gain.below_zero:
        worse = f"{which} stands at {signed(gain.value)} {unit} against {baseline} ({bounds})"
        return f"No decoder of single trials reads {asked.target} better than {baseline}: {worse}.", "loss"
    if gain.above_zero:
        return (
            f"No better read-out of {asked.target} is shown: {which} gains {number(gain.value)} {unit} on "
            f"{baseline} ({bounds}), but {_but(found, best)}.",
            "none",
        )
    differs = f"{which} differs from {baseline} by {signed(gain.value)} {unit}"
    including = f"the {bounds} includes 0" if gain.has_interval else bounds
    return f"On single trials, no better read-out of {asked.target} is shown: {differs}, and {including}.", "none"


def _but(found: Comparison, best: str) -> str:
    """Why a gain that is clear is no win."""
    if found.kind != "class":
        return f"its R2, {with_interval(found.scores.get(best, 'r2'))}, is not shown to lie above 0"
    lower = found.scores.get(best, "accuracy_gain")
    if lower.value < 0:
        return f"its accuracy is lower, by {number(-lower.value)}"
    entropy = found.scores.get(PRIOR, "prior_entropy")
    return f"it loses no less than the class prior alone ({number(entropy.value)} nats)"


def _details(found: Comparison, asked: Asked, before: ScoreTable, best: str) -> tuple[str, ...]:
    if found.kind == "class":
        told = [_chance(found, asked, best), _history(found, asked), _before(found, asked, before, best)]
    elif found.kind == "signal":
        told = [_reached(found, best), _errors(found, asked, best), _acausal(found, best)]
    else:
        told = [_reached(found, best), _correlated(found, asked, best)]
    return tuple(text for text in told if text)


def _chance(found: Comparison, asked: Asked, best: str) -> str:
    share, null = found.scores.get(best, "accuracy"), found.scores.get(best, "accuracy_null")
    if not null.has_interval:
        return ""
    beyond = "" if found.above_chance(found.scores, best) else ": chance explains it"
    return (
        f"{best} names the right {asked.target} in {with_interval(share)} of held-out trials; with labels "
        f"permuted, 95% of accuracies lie from {interval(null)}{beyond}."
    )


def _history(found: Comparison, asked: Asked) -> str:
    """Likelihood decoders differ in their model of spikes alone: what its history adds to the read-out."""
    decoder = found.history
    if decoder is None:
        return ""
    gain, against = found.gain(decoder), found.baselines[decoder]
    if found.wins(decoder):
        return (
            f"Read by Bayes' rule, single-trial structure adds {with_interval(gain)} nats to the read-out "
            f"({decoder} against {against})."
        )
    if gain.above_zero:
        more = f"{decoder} gains {with_interval(gain)} nats on {against}"
        return f"Read by Bayes' rule, {more}, but {_but(found, decoder)}."
    return (
        f"Read by Bayes' rule, history adds nothing that is shown to the read-out of {asked.target}: {decoder}, "
        f"the best, stands at {signed(gain.value)} nats [{interval(gain)}] against {against}."
    )


def _before(found: Comparison, asked: Asked, before: ScoreTable, best: str) -> str:
    share = before.get(best, "accuracy")
    if not share.known:
        return ""
    known = [d for d in found.families if before.get(d, "permutation_p").known]
    above = [d for d in known if found.above_chance(before, d)]
    told = f"Before the stimulus {best} is right in {with_interval(share)} of trials"
    if not above:
        return f"{told}, and no decoder is above chance there."
    return (
        f"{told}, and {len(above)} of {len(known)} decoders are above chance there ({listed(above)}): drift or "
        f"the order of trials tells {asked.target} too, and the stimulus need not be what is read during it."
    )


def _reached(found: Comparison, best: str) -> str:
    r2 = found.scores.get(best, "r2")
    against = (
        ""
        if found.baseline is None
        else f", {found.baseline} {with_interval(found.scores.get(found.baseline, 'r2'))}"
    )
    return f"R2 of {best}: {with_interval(r2)}{against}."


def _errors(found: Comparison, asked: Asked, best: str) -> str:
    gain, error = (found.scores.get(best, metric) for metric in ("median_error_gain", "median_error"))
    if not gain.has_interval:
        return ""
    told = f"Its median error is {with_interval(error)} {asked.unit}"
    if gain.above_zero or gain.below_zero:
        way = "less" if gain.above_zero else "more"
        size = gain if gain.above_zero else -gain
        return f"{told}, {with_interval(size)} {way} than that of {found.baseline}."
    return (
        f"{told}; no difference from that of {found.baseline} is shown ({signed(gain.value)} [{interval(gain)}])."
    )


def _acausal(found: Comparison, best: str) -> str:
    other = found.best_acausal
    if other is None or other == best:
        return ""
    r2 = with_interval(found.scores.get(other, "r2"))
    return f"{other}, which also sees what comes after a bin, reaches an R2 of {r2}."


def _correlated(found: Comparison, asked: Asked, best: str) -> str:
    r: Estimate = found.scores.get(best, "correlation")
    if not r.has_interval:
        return ""
    if r.above_zero or r.below_zero:
        return f"Decoded and true {asked.target} are correlated by {with_interval(r)}."
    return f"No correlation of decoded and true {asked.target} is shown ({with_interval(r)})."


def _named(found: Comparison, decoder: str) -> str:
    return decoder if found.causal[decoder] else f"{decoder}, {NOT_CAUSAL}"
