"""Chrono initialisation of gates (Tallec & Ollivier 2018, ICLR, section 3.2)."""

import torch


def chrono_biases(hidden: int, longest_bins: float) -> torch.Tensor:
    """log(t - 1) of times t drawn evenly between 2 bins and the longest, one for each unit (hidden,).

    A gate that keeps sigmoid(b) of its state in each bin forgets over about 1 + exp(b) bins.
    """
    return torch.empty(hidden).uniform_(1.0, longest_bins - 1.0).log()
