"""What recurrent decoders of all kinds have in common: networks, how they are trained, what is kept of them.

A network reads the square-rooted, standardised counts bin by bin. Several are trained from different starts and
their outputs averaged; as much of what they say beyond the aggregate (naive Bayes on templates of the classes, the
mean signal, the mean value) is kept as data that they were not trained on supports.
"""

# Annotations are no strings here: configurations read them off classes that are made in another module.
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import Decoder, Stream
from neurodecode.decoders._count_scaling import CountScaling
from neurodecode.decoders._recurrent_training import Task, as_arrays, from_arrays, said, train_networks
from neurodecode.decoders._series import Series
from neurodecode.errors import ConfigError
from neurodecode.nn.cells import Cell, taken_from
from neurodecode.nn.device import Device
from neurodecode.nn.dropout import Masks


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentDecoder(Decoder):
    """``hidden`` units of the cell. ``bidirectional``: a second cell reads the series from its end; not causal.

    ``seeds`` networks are trained and averaged. ``dropout`` of hidden activity and ``input_dropout`` of units;
    ``dropout_masks``: ``per_sequence`` or ``per_step``. ``segment_bins``: longest stretch of backpropagation
    through time where a signal is decoded; ``warm_up_bins`` before it bring the state up, unscored. Training stops
    ``patience`` epochs after the best one. ``bin_size_s``: counts of ``Trials`` are summed into bins of this size;
    it is also what the bins of arrays are taken for by cells whose time constants are in seconds, whose
    hyper-parameters stand beside these.
    """

    hidden: int = 256
    bidirectional: bool = False
    bin_size_s: float | None = None
    seeds: int = 3
    epochs: int = 40
    batches_per_epoch: int = 16
    segment_bins: int = 60
    warm_up_bins: int = 20
    learning_rate: float = 1e-2
    weight_decay: float = 1.0
    gradient_norm: float = 1.0
    input_dropout: float = 0.3
    dropout: float = 0.1
    dropout_masks: Masks = "per_sequence"
    patience: int = 15
    random_state: int = 0
    device: Device = "auto"

    cell_type: ClassVar[type[Cell]]

    @property
    def causal(self) -> bool:  # type: ignore[override]  # a property is how an option can decide it
        """Whether the past alone is used."""
        return not self.bidirectional

    def check_hyperparameters(self) -> None:
        """Raise ConfigError for values that cannot be."""
        for name in ("hidden", "seeds", "epochs", "batches_per_epoch", "segment_bins", "patience"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{self.family}: {name} must be >= 1, got {getattr(self, name)}")
        for name in ("learning_rate", "gradient_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{self.family}: {name} must be positive, got {getattr(self, name)}")
        for name in ("dropout", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{self.family}: {name} must lie in [0, 1), got {getattr(self, name)}")
        for name in ("weight_decay", "warm_up_bins", "random_state"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{self.family}: {name} must not be negative, got {getattr(self, name)}")
        if self.bin_size_s is not None and not self.bin_size_s > 0:
            raise ConfigError(f"{self.family}: bin_size_s must be positive, got {self.bin_size_s}")
        for name, known in (("device", get_args(Device)), ("dropout_masks", get_args(Masks))):
            if getattr(self, name) not in known:
                raise ConfigError(f"{self.family}: {name} must be one of {known}, got {getattr(self, name)!r}")
        self.cell()

    def cell(self) -> Cell:
        """The hyper-parameters of the cell, checked."""
        return taken_from(self.cell_type, self)

    def shape(self) -> Any:
        """Of the fitted networks: ``nn.decoding_network.Shape``."""
        from neurodecode.nn.decoding_network import Shape

        return Shape(
            self.cell(),
            n_inputs=self.n_units_,
            hidden=self.hidden,
            n_outputs=int(self.offset_.size),
            bin_size_s=self.bin_size_s_ or self.bin_size_s,
            input_dropout=self.input_dropout,
            dropout=self.dropout,
            dropout_masks=self.dropout_masks,
            bidirectional=self.bidirectional,
            accumulates=self.kind != "signal",
            n_bins=self.n_bins_,
        )

    def measure(self, series: Series, offset: Float[np.ndarray, " outputs"]) -> CountScaling:
        """Take over what training series fix: units, bins, the scaling of counts, the outputs' offset."""
        self.n_units_, self.n_bins_, self.lead_ = series.n_units, series.n_bins, series.lead
        self.bin_size_s_ = series.bin_size_s
        scaling = CountScaling.measured(series)
        self.scaling_ = {"mean": scaling.mean, "sd": scaling.sd}
        self.offset_ = np.asarray(offset, float)
        return scaling

    def train(self, rounds: list[tuple[Any, Any]], *, segment_bins: int) -> list[Any]:
        """Train a network for each (training, validation) sequences of ``rounds``; keeps and returns them."""
        from neurodecode.nn.training import TrainingPlan

        plan = TrainingPlan(
            epochs=self.epochs,
            batches_per_epoch=self.batches_per_epoch,
            segment_bins=segment_bins,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            gradient_norm=self.gradient_norm,
            patience=self.patience,
        )
        ways = ", bidirectional" if self.bidirectional else ""
        title = f"{type(self).__name__}{ways}, {self.offset_.size} outputs"
        networks, self.curves_ = train_networks(
            self.shape(), plan, rounds, random_state=self.random_state, device=self.device, title=title
        )
        self.networks_ = as_arrays(networks)
        self._networks = networks
        return networks

    @property
    def networks(self) -> list[Any]:
        """The fitted networks (``nn.decoding_network.DecodingNetwork``), put together when first asked for."""
        found: list[Any] | None = self.__dict__.get("_networks")
        if found is None:
            found = self._networks = from_arrays(self.shape(), len(self.curves_), self.networks_)
        return found

    @property
    def scaling(self) -> CountScaling:
        """The scaling of counts by training series."""
        return CountScaling(self.scaling_["mean"], self.scaling_["sd"])

    def outputs(self, X: Any) -> tuple[Float[np.ndarray, "trials bins outputs"], Series]:
        """What the networks say of each bin of the window of X, their share taken; X as series."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.n_units_)
        shape = (series.n_trials, series.n_bins, self.offset_.size)
        unknown, start = np.broadcast_to(np.float32(0), shape), self.start(series)
        sequences = Task(series, self.scaling, unknown, unknown[..., 0], start, "squares").sequences()
        found = np.mean([said(network, sequences, self.device) for network in self.networks], axis=0)
        return start + self.share_ * found, series

    def stream(self) -> Stream:
        """The fitted decoder before the first bin; of a decoder fitted to ``Trials`` the first of their lead."""
        from neurodecode.decoders._recurrent_stream import RecurrentStream

        check_is_fitted(self)
        return RecurrentStream(self) if self.causal else super().stream()

    def diagnostics(self) -> dict[str, Any]:
        """Learning curves of the networks, the share of what they say that was kept, the bins."""
        return {"share": self.share_, "curves": self.curves_, "bin_size_s": self.bin_size_s_}

    def start(self, series: Series) -> Float[np.ndarray, "*trials_bins outputs"]:
        """What networks add to, for all bins of the window or for each."""
        return self.offset_

    def start_of_bin(self, number: int, told: np.ndarray, observed: np.ndarray) -> Float[np.ndarray, " outputs"]:
        """What one bin of the window adds to ``start``, given its counts."""
        return np.zeros(self.offset_.size)

    def from_outputs(self, outputs: Float[np.ndarray, "*shape outputs"]) -> Float[np.ndarray, "*shape outputs"]:
        """What is decoded, of what the networks say."""
        raise NotImplementedError
