"""Networks that are kept, and a watch over every PSTH that a fit makes: which trials' average it is asked for."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from neurodecode.data.trials import Trials
from neurodecode.models import _recurrent as recurrent_families
from neurodecode.models._network_share import Share
from neurodecode.models.co_smoothing import _recurrent as co_smoothing_networks
from neurodecode.models.psth import FittedPSTH
from neurodecode.nn import training


@pytest.fixture(scope="module", autouse=True)
def networks_are_kept() -> Iterator[None]:
    """Three quarters of what a network adds after its last epoch, whatever validation trials say.

    On a dozen short trials no network earns its place, and a model that fell back to the GLM keeps the promises of
    the GLM: nothing that a network could do wrong would show.
    """
    after_epoch = training._after_epoch

    def last(network, validation, curve, device, of_epochs, best):
        after_epoch(network, validation, curve, device, of_epochs, best)
        curve.best_epoch = curve.n_epochs
        return copy.deepcopy(network.state_dict())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_after_epoch", last)
        for module in (recurrent_families, co_smoothing_networks):
            patch.setattr(module, "chosen_share", lambda *given: Share(0.75, gain=0.1, low=0.05))
        yield


@dataclass
class Asked:
    """How often a fit asked for the average of trials that this average was made of, with and without each."""

    whole: int = 0
    left_out: int = 0


class Watch:
    """Counts what is asked of PSTHs. A trial is known by its number, a PSTH by the sum of its trials."""

    def __init__(self, numbered: Trials, fitted_to: Sequence[np.ndarray]) -> None:
        self.numbered, self.fitted_to, self.asked = numbered, fitted_to, Asked()
        self.inside_left_out = False

    def in_its_fit(self, psth: FittedPSTH, given: Trials) -> bool:
        units = np.array([self.numbered.unit_names.index(name) for name in given.unit_names])
        of_units, sums = self.numbered.select_units(units), psth.counts.sum(axis=0)
        made_of = [s for s in self.fitted_to if np.array_equal(_summed(of_units.select(s)), sums)]
        assert made_of, "an average of trials that are neither the training trials nor these and validation"
        return bool(np.isin(given.columns["number"], made_of[0]).any())

    def install(self, patch: pytest.MonkeyPatch) -> None:
        whole, left_out = FittedPSTH.intensity_with_lead, FittedPSTH.leave_one_out
        log_expected = FittedPSTH.log_expected_count

        def watched_whole(psth: FittedPSTH, given: Trials) -> np.ndarray:
            self.asked.whole += not self.inside_left_out and self.in_its_fit(psth, given)
            return whole(psth, given)

        def watched_left_out(psth: FittedPSTH, given: Trials) -> np.ndarray:
            self.asked.left_out += self.in_its_fit(psth, given)
            return left_out(psth, given)

        def watched_log(psth: FittedPSTH, given: Trials, *, leave_out: bool) -> np.ndarray:
            self.inside_left_out = leave_out  # it takes the level of the whole average, the same for all trials
            try:
                return log_expected(psth, given, leave_out=leave_out)
            finally:
                self.inside_left_out = False

        patch.setattr(FittedPSTH, "intensity_with_lead", watched_whole)
        patch.setattr(FittedPSTH, "leave_one_out", watched_left_out)
        patch.setattr(FittedPSTH, "log_expected_count", watched_log)


def _summed(trials: Trials) -> np.ndarray:
    return trials.counts.sum(axis=0, dtype=np.int64, where=trials.mask)


@pytest.fixture
def averages_asked(monkeypatch) -> Callable[..., Asked]:
    """``averages_asked(fit, trials, fitted_to)``: run ``fit`` on the trials with every PSTH watched.

    fitted_to: the sets of trials that a PSTH may be made of.
    """

    def run(fit: Callable[[Trials], object], trials: Trials, fitted_to: Sequence[np.ndarray]) -> Asked:
        numbered = replace(trials, columns={"number": np.arange(trials.n_trials)})
        watch = Watch(numbered, fitted_to)
        with monkeypatch.context() as patch:
            watch.install(patch)
            fit(numbered)
        return watch.asked

    return run
