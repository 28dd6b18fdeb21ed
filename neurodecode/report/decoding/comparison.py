"""Which decoder of single trials beats the aggregate that it is held against, by stated rules.

A class is read out better where the log loss is below the baseline's by an interval that excludes 0, below the
entropy of the class prior, and the accuracy is not lower. A signal or a value is, where R2 exceeds the baseline's
and 0, both by intervals that exclude 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurodecode.evaluation._class_scores import PRIOR
from neurodecode.evaluation.comparison import AGGREGATES
from neurodecode.report.decoding.appearance import is_likelihood
from neurodecode.report.scoretable import Estimate, ScoreTable

CHANCE_P = 0.05
_AVERAGED = ("mean", "naive_bayes", "bayesian")


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """One session's decoders; ``families`` and ``baselines`` as of ``baselines_of``."""

    kind: str
    families: Mapping[str, str]
    causal: Mapping[str, bool]
    baselines: Mapping[str, str]
    scores: ScoreTable

    def aggregate(self, decoder: str) -> bool:
        """Whether a decoder knows responses by their average alone."""
        family = self.families[decoder]
        return family in _AVERAGED or (is_likelihood(family) and family.split(":")[-1] in AGGREGATES)

    @property
    def gain_metric(self) -> str:
        """What a win is judged by: nats, or R2."""
        return "log_loss_gain" if self.kind == "class" else "r2_gain"

    def gain(self, decoder: str) -> Estimate:
        """Over the decoder's baseline, paired by trial; above 0 is better."""
        return self.scores.get(decoder, self.gain_metric)

    def wins(self, decoder: str) -> bool:
        """Whether the decoder is shown to be better than its baseline."""
        if not self.gain(decoder).above_zero:
            return False
        if self.kind != "class":
            return self.scores.get(decoder, "r2").above_zero
        loss, entropy = self.scores.get(decoder, "log_loss"), self.scores.get(PRIOR, "prior_entropy")
        return loss.value < entropy.value and self.scores.get(decoder, "accuracy_gain").value >= 0

    @property
    def best(self) -> str | None:
        """The decoder of single trials with the least log loss or the largest R2; None where there is none.

        Of a signal among causal ones, where there are any: others see what comes after the bin. A class and a
        value are decoded once, from the whole window, so there that does not matter.
        """
        known = [d for d in self.families if not self.aggregate(d) and self._merit(d).known]
        causal = [d for d in known if self.causal[d]]
        return self._first(causal if self.kind == "signal" and causal else known)

    @property
    def best_acausal(self) -> str | None:
        """The best of those that see the future, of a signal."""
        return self._first([d for d in self.families if not self.causal[d] and self._merit(d).known])

    @property
    def baseline(self) -> str | None:
        """What the best decoder is held against; without it, the first aggregate."""
        if self.best is not None:
            return self.baselines.get(self.best)
        return next((d for d in self.families if self.aggregate(d)), None)

    @property
    def history(self) -> str | None:
        """The best likelihood decoder whose model sees spikes of the trial and that is held against the PSTH's."""
        able = [
            d
            for d, family in self.families.items()
            if is_likelihood(family)
            and not self.aggregate(d)
            and is_likelihood(self.families.get(self.baselines.get(d, ""), ""))
            and self._merit(d).known
        ]
        return self._first(able)

    def above_chance(self, scores: ScoreTable, decoder: str) -> bool:
        """Whether permuted labels are seldom decoded as well."""
        return scores.get(decoder, "permutation_p").value < CHANCE_P

    def _merit(self, decoder: str) -> Estimate:
        return -self.scores.get(decoder, "log_loss") if self.kind == "class" else self.scores.get(decoder, "r2")

    def _first(self, decoders: list[str]) -> str | None:
        return max(decoders, key=lambda d: self._merit(d).value, default=None)
