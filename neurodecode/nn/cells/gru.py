"""Gated recurrent unit (Cho et al. 2014, EMNLP)."""

import torch


class GRU(torch.nn.GRU):
    """torch's GRU, batch first."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__(n_inputs, hidden, batch_first=True)


CELL = GRU
