"""Order-k Markov chain on the PSTH: the last k bins, spike or none, name a state, and each state has a multiplier.

The rate of a unit is psth(t) m(w), w the binary word of its own last k bins: every interaction of those k bins,
and no memory beyond them. A word's multiplier is shrunk toward that of its suffix, the word without its oldest
bin, so that a word which was never seen is predicted as its longest suffix that was (hierarchies of contexts:
MacKay & Peto 1995, Nat Lang Eng 1:289). Order and strength are chosen per unit by what predicts left-out trials
of the fit. Each bin doubles the words, and the spikes stay as many as they are: ``diagnostics`` and the log say,
for each order, how many words there could be, how many were seen, and how many spikes tell of each. It is the
finite memory that a recurrent state is to outgrow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._grid import Grid
from neurodecode.models._groups import deal_groups
from neurodecode.models._sampling import Stepper
from neurodecode.models._words import EMPTY, log_likelihoods, multipliers, next_words, with_suffixes, words_before
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth

LONGEST = 16  # bins: beside every unit's table of 2^17 words stand those of the groups that are left out
MARGIN = 2.0  # nats that a memory must win over none on left-out trials
_CHUNK_VALUES = 2**21  # rates of left-out trials held at a time

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MarkovChain(PointProcessModel):
    """``orders`` (bins) and ``strengths`` (expected spikes that a word's suffix is worth): chosen from, per unit.

    No memory at all is always among the choices. ``n_groups`` of trials are left out in turn.
    """

    orders: tuple[int, ...] = (1, 2, 4, 8, 12)
    strengths: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    n_groups: int = 5

    def __post_init__(self) -> None:
        if not self.orders or not all(isinstance(k, int) and 1 <= k <= LONGEST for k in self.orders):
            raise ConfigError(
                f"markov: orders must be whole numbers of bins, 1 to {LONGEST}, and not empty, got {self.orders}; "
                "words double with each bin: for a longer memory use wider bins, glm or a network"
            )
        if not self.strengths or not all(0 < a < np.inf for a in self.strengths):
            raise ConfigError(f"markov: strengths must be positive and not empty, got {self.strengths}")
        if self.n_groups < 2:
            raise ConfigError(f"markov: n_groups must be >= 2, got {self.n_groups}; 5 is usual")

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedMarkovChain:
        """Words of training and validation trials, each trial's under the PSTH of the others."""
        del rng
        both = trials.concatenate(validation)
        psth = fit_psth(both, PSTH())
        longest = max(self.orders)
        spikes, expected = word_sums(both, psth, deal_groups(both.condition, self.n_groups), longest)
        choices = [self._choose(n, m) for n, m in zip(spikes, expected, strict=True)]
        order = np.array([k for k, *_ in choices])
        strength = np.array([a for _, a, _ in choices])
        n, m = (with_suffixes(values.sum(axis=1)) for values in (spikes, expected))
        table = np.stack([multipliers(*unit) for unit in zip(n, m, strength, strict=True)])
        table[order == 0] = 1.0
        fitted = FittedMarkovChain(
            model=self,
            psth=psth,
            multiplier=np.ascontiguousarray(table[:, : 2 << int(order.max())]),
            order=order,
            strength=strength,
            words_seen=np.stack([(m[:, 1 << k : 2 << k] > 0).sum(axis=1) for k in self.orders], axis=1),
            spikes_in_words=np.stack([n[:, 1 << k : 2 << k].sum(axis=1) for k in self.orders], axis=1),
            n_spikes=n[:, EMPTY].copy(),
            won_nats=np.array([won for *_, won in choices]),
        )
        fitted.tell()
        return fitted

    def _choose(
        self, spikes: Float[np.ndarray, "groups nodes"], expected: Float[np.ndarray, "groups nodes"]
    ) -> tuple[int, float, Float[np.ndarray, " orders"]]:
        """Order and strength of one unit, and what each order wins over none on left-out groups (nats)."""
        # Rounding leaves -1e-17 where a group was all there is.
        n, m = (np.maximum(with_suffixes(v.sum(axis=0) - v), 0.0) for v in (spikes, expected))
        scores = [log_likelihoods(multipliers(n, m, a), spikes, expected).sum(axis=0) for a in self.strengths]
        won = np.stack(scores)[:, list(self.orders)]
        at, which = (int(i) for i in np.unravel_index(int(np.argmax(won)), won.shape))
        order = self.orders[which] if won[at, which] > MARGIN else 0
        return order, self.strengths[at], won.max(axis=0)

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedMarkovChain:
        """From the PSTH's parameters, the multipliers and the choices."""
        own = {name: values for name, values in parameters.items() if not name.startswith("psth.")}
        aggregate = {k.removeprefix("psth."): v for k, v in parameters.items() if k.startswith("psth.")}
        return FittedMarkovChain(model=self, psth=PSTH().rebuild(aggregate, description["psth"]), **own)


def word_sums(
    trials: Trials, psth: FittedPSTH, group: Int[np.ndarray, " trials"], order: int
) -> tuple[Float[np.ndarray, "units groups nodes"], Float[np.ndarray, "units groups nodes"]]:
    """Spikes after each longest observed word, and those that the PSTH of the other trials expects there."""
    shape = (trials.n_units, int(group.max()) + 1, 2 << order)
    spikes, expected = np.zeros(shape), np.zeros(shape)
    for some, of_group in _chunks(trials, group):
        mu = psth.leave_one_out(some)[:, some.lead :] * some.bin_size_s
        for unit in range(trials.n_units):
            words = _words(some, unit, order)
            seen = some.window_mask[..., unit if some.mask.shape[2] > 1 else 0]
            for sums, values in ((spikes, some.window_counts), (expected, mu)):
                sums[unit, of_group] += np.bincount(words[seen], values[..., unit][seen], shape[2])
    return spikes, expected


def _words(trials: Trials, unit: int, order: int) -> np.ndarray:
    """The words of one unit before each bin of the window."""
    observed = trials.mask[..., unit if trials.mask.shape[2] > 1 else 0]
    return words_before(trials.counts[..., unit] > 0, observed, order)[:, trials.lead :]


def _chunks(trials: Trials, group: np.ndarray) -> Iterator[tuple[Trials, int]]:
    at_once = max(1, _CHUNK_VALUES // (trials.n_steps * trials.n_units))
    for of_group in np.unique(group):
        members = np.flatnonzero(group == of_group)
        for start in range(0, members.size, at_once):
            yield trials.select(members[start : start + at_once]), int(of_group)


@dataclass(frozen=True, eq=False)
class FittedMarkovChain(FittedModel):
    """``multiplier`` of each word (see _words.py) on ``psth``; per unit the ``order`` (0: none) and ``strength``.

    ``n_spikes`` of the fit. For each of the model's orders: ``words_seen`` before any bin, ``spikes_in_words``
    that follow a whole word, and ``won_nats`` over no memory on left-out trials at the best strength.
    """

    model: MarkovChain
    psth: FittedPSTH
    multiplier: Float[np.ndarray, "units nodes"]
    order: Int[np.ndarray, " units"]
    strength: Float[np.ndarray, " units"]
    words_seen: Int[np.ndarray, "units orders"]
    spikes_in_words: Float[np.ndarray, "units orders"]
    n_spikes: Float[np.ndarray, " units"]
    won_nats: Float[np.ndarray, "units orders"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """PSTH times the word's multiplier (Hz); DataError for another grid or other conditions."""
        rate_hz = self.psth.intensity(trials)
        for unit in range(trials.n_units):
            rate_hz[..., unit] *= self.multiplier[unit, _words(trials, unit, int(self.order[unit]))]
        capped: np.ndarray = np.minimum(rate_hz, self._most / trials.bin_size_s)
        return capped

    def stepper(self, trials: Trials) -> _WordStepper:
        """Each unit's word follows what is observed."""
        self.grid.check_window(trials, family=self.model.family)
        return _WordStepper(self, trials)

    def parameters(self) -> dict[str, np.ndarray]:
        """The PSTH's parameters, the multipliers, the choices and the counts of words."""
        aggregate = {f"psth.{name}": values for name, values in self.psth.parameters().items()}
        names = ("multiplier", "order", "strength", "words_seen", "spikes_in_words", "n_spikes", "won_nats")
        return {**aggregate, **{name: getattr(self, name) for name in names}}

    def description(self) -> dict[str, Any]:
        """The PSTH's."""
        return {"psth": self.psth.description()}

    def diagnostics(self) -> dict[str, Any]:
        """Per unit, the order and strength (null: no memory); per order, how many states and how much for each."""
        remembers = self.order > 0
        bits_per_spike = self.won_nats / self.n_spikes[:, None].clip(1.0) / np.log(2.0)
        states = [
            {
                "order": k,
                "possible_words": 2**k,
                "words_seen": self.words_seen[:, at].tolist(),
                "spikes_per_word": (self.spikes_in_words / self.words_seen.clip(1))[:, at].tolist(),
                "gain_bits_per_spike": bits_per_spike[:, at].tolist(),
            }
            for at, k in enumerate(self.model.orders)
        ]
        strength = [float(a) if kept else None for a, kept in zip(self.strength, remembers, strict=True)]
        return {
            "order": self.order.tolist(),
            "strength": strength,
            "states": states,
            "psth": self.psth.diagnostics(),
        }

    def tell(self) -> None:
        """Log how states and what is known of each change with the order."""
        per_word = self.spikes_in_words / self.words_seen.clip(1)
        for at, k in enumerate(self.model.orders):
            seen, spikes = np.median(self.words_seen[:, at]), np.median(per_word[:, at])
            chosen = int((self.order == k).sum())
            log.info(
                "order %d: %d of %d words seen, %.3g spikes each (medians over units); chosen for %d of %d units",
                *(k, seen, 2**k, spikes, chosen, self.order.size),
            )

    @property
    def grid(self) -> Grid:
        """The PSTH's."""
        return self.psth.grid

    @property
    def _most(self) -> float:
        return 1.0 if self.grid.binary else np.inf


class _WordStepper(Stepper):
    """The chain run forward: the word of each trial and unit."""

    def __init__(self, fitted: FittedMarkovChain, trials: Trials) -> None:
        unread = np.zeros(trials.n_units)  # what was not observed ends a word, whatever stands for it
        super().__init__(trials, fill=unread, binary=fitted.grid.binary)
        self._fitted, self._mask = fitted, trials.mask
        self._mu = fitted.psth.intensity_with_lead(trials) * trials.bin_size_s
        self._words = np.full((trials.n_trials, trials.n_units), EMPTY)

    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """PSTH times the word's multiplier."""
        multiplier = self._fitted.multiplier[np.arange(self._words.shape[1]), self._words]
        mu: np.ndarray = np.minimum(self._mu[self.rows, step] * multiplier, self._fitted._most)
        return mu

    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Append the bin to the words."""
        self._words = next_words(self._words, counts > 0, self._mask[self.rows, step], self._fitted.order)

    def repeat_state(self, times: int) -> None:
        """The words."""
        self._words = np.repeat(self._words, times, axis=0)


MODEL = MarkovChain
EXAMPLE = MarkovChain(orders=(1, 3), strengths=(1.0, 8.0), n_groups=3)
