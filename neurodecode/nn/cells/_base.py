"""What a cell is before it is a network: hyper-parameters that import no torch, and the module that they build."""

from __future__ import annotations

import abc
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, get_type_hints

from neurodecode.errors import ConfigError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Cell(abc.ABC):
    """Hyper-parameters of one family of cells, a frozen dataclass that checks itself in ``__post_init__``.

    They are further keys of every family built on the cell: of encoding models, of decoders, of co-smoothing. Time
    constants are in seconds; the module that ``build`` gives runs on bins of one size, and ``rebinned`` gives the
    same weights for bins of another.
    """

    @abc.abstractmethod
    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """A torch module with fresh weights, drawn from torch's generator.

        ``forward(inputs (batch, steps, n_inputs), state or None)`` gives hidden activity (batch, steps, hidden)
        and the state after the last step: a tensor (1, batch, hidden) or a tuple of such. ``step(inputs (batch,
        n_inputs), state)`` gives the state after one step, in plain torch: differentiable twice, and fit for
        ``vmap``. ``initial_state(batch)`` is what None stands for, ``hidden_of(state)`` the activity (batch,
        hidden) in it; ``hidden_size``: of that activity.

        bin_size_s: None where it is not known, as of bare arrays of counts. Raises ConfigError where it is needed
        then, and for time constants that such bins cannot have.
        """

    in_seconds: ClassVar[bool] = False
    """Whether it cannot be built where the size of bins is not known."""

    @property
    def name(self) -> str:
        """The family: the name of the file."""
        return type(self).__module__.rpartition(".")[2]

    def rebinned(self, module: Any, bin_size_s: float) -> Any:
        """A module of this cell and its fitted weights, for bins of another size.

        Carried over: weights, time constants and state, which mean the same in both; activity differs by Euler's
        error, in proportion to the longer bin over tau. Not carried over: inputs, which are taken as they come. A
        network that was fitted to counts of a bin wants them as the rate that they were, counts times old bin
        over new; an expected count that is read out of its activity is that of an old bin.

        Raises ConfigError for cells without a time constant, whose step is a bin whatever its size, and for time
        constants that such bins cannot have.
        """
        import torch

        from neurodecode.nn.cells._recurrent_weights import TimeConstants

        if not isinstance(getattr(module, "leak", None), TimeConstants):
            raise ConfigError(
                f"{self.name}: a step of this cell is a bin, and bins of another size make it another cell: fit "
                f"it again at {bin_size_s:g} s, or take a cell whose time constants are in seconds, such as rate"
            )
        with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced
            built = self.build(module.weight_in.shape[1], module.hidden_size, bin_size_s)
        built.load_state_dict(module.state_dict())
        return built.to(module.weight_in).train(module.training)

    def needed(self, bin_size_s: float | None, what: str) -> float:
        """The bin size; ConfigError where it is not known and ``what``, in seconds, is to become bins."""
        if bin_size_s is None:
            raise ConfigError(
                f"{self.name}: {what} is in seconds and the counts are a bare array, whose bins have no size: "
                "give bin_size_s, or Trials"
            )
        return bin_size_s

    def diagnostics(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """What is worth telling of a module's weights (name -> array, as in its ``state_dict``), JSON-able."""
        del weights
        return {}

    def check_positive(self, *names: str) -> None:
        """Raise ConfigError for hyper-parameters of these names that are not positive, None being none."""
        for name in names:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{self.name}: {name} must be positive and finite, got {value}")

    def check_flags(self, *names: str) -> None:
        """Raise ConfigError for hyper-parameters of these names that are neither true nor false."""
        for name in names:
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{self.name}: {name} must be true or false, got {getattr(self, name)!r}")


def extended(base: type[T], cell: type[Cell], name: str, *, namespace: dict[str, Any], **options: bool) -> type[T]:
    """The dataclass ``base`` under a new name, with the fields of ``cell`` after its own.

    options: those of ``dataclass``. namespace: further attributes of the class.
    """
    hints = get_type_hints(cell, include_extras=True)
    added = {field.name: field for field in fields(cell)}  # type: ignore[arg-type]  # cells are dataclasses
    both = sorted(added.keys() & {field.name for field in fields(base)})  # type: ignore[arg-type]
    if both:
        raise TypeError(
            f"{cell.__name__} and {base.__name__} both have {', '.join(both)}: call the cell's otherwise"
        )
    annotations = {key: hints[key] for key in added}
    defaults = {key: field.default for key, field in added.items()}
    kind = type(name, (base,), {**namespace, "__annotations__": annotations, **defaults})
    return dataclass(**options)(kind)


def taken_from(cell: type[Cell], owner: object) -> Cell:
    """The cell whose hyper-parameters are among the attributes of ``owner``."""
    found: Cell = cell(**{field.name: getattr(owner, field.name) for field in fields(cell)})  # type: ignore[arg-type]
    return found


def diagnostics_of_cells(cell: Cell, weights: Mapping[str, Any]) -> dict[str, Any]:
    """What ``cell`` tells of each of a fit's cells, by where it stands (``seed0.population``); none without news.

    weights: name -> array; those of a cell have names such as ``seed0.population.cell.bias``.
    """
    places = sorted({key.partition(".cell.")[0] for key in weights if ".cell." in key})
    told = {}
    for place in places:
        prefix = f"{place}.cell."
        told[place] = cell.diagnostics(
            {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        )
    return {place: found for place, found in told.items() if found}


def chrono_bins(cell: Cell, chrono_s: float, bin_size_s: float | None) -> float:
    """The longest time of a chrono initialisation in bins; ConfigError for fewer than three."""
    n_bins = chrono_s / cell.needed(bin_size_s, "chrono_s")
    if n_bins < 3:
        raise ConfigError(
            f"{cell.name}: chrono_s {chrono_s:g} is {n_bins:.3g} bins of {bin_size_s:g} s, expected at least 3: "
            "times are drawn between 1 bin and the longest; leave it out, or give a longer one"
        )
    return n_bins


def check_tau(cell: Cell, tau_s: float, bin_size_s: float | None, *, learnt: bool) -> float:
    """The bin size; ConfigError where it is not known, and what ``check_euler`` says of a tau that is not learnt.

    One that is learnt lasts a bin or more: a warning where it would start below.
    """
    size = cell.needed(bin_size_s, "tau_s")
    if not learnt:
        check_euler(cell.name, tau_s, size)
    elif size > tau_s * (1 + 1e-9):
        log.warning(
            "%s: tau_s %g s is shorter than a bin of %g s, the shortest that is learnt: learning starts there",
            cell.name,
            tau_s,
            size,
        )
    return size


def check_euler(who: str, tau_s: float, bin_size_s: float) -> None:
    """ConfigError where Euler's steps of one bin diverge from tau dh/dt = -h, a warning where they swing."""
    if bin_size_s >= 2 * tau_s:
        raise ConfigError(
            f"{who}: tau_s {tau_s:g} s is not above half a bin of {bin_size_s:g} s, where Euler's steps diverge: "
            f"give a time constant of at least one bin, or bins of at most {tau_s:g} s"
        )
    if bin_size_s > tau_s * (1 + 1e-6):  # single precision moves a tau of one bin by less
        log.warning("%s: tau_s %g s is shorter than a bin of %g s: activity swings", who, tau_s, bin_size_s)
