"""The torch twin of ``neurodecode.likelihood``, held to it by a test."""

import torch


def poisson_loss(log_mean: torch.Tensor, counts: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Sum over observed bins of mu - n log(mu), in nats: minus the log-likelihood up to log(n!).

    log_mean (batch, bins, units): log expected counts. counts: the same shape. mask (batch, bins, units or 1).
    """
    # A masked bin must give neither a value nor a gradient, whatever the network says there.
    log_mean = torch.where(mask, log_mean, torch.zeros((), device=log_mean.device))
    return ((torch.exp(log_mean) - counts * log_mean) * mask).sum()
