"""Recurrent cells, one per file. A file's ``CELL`` is built as ``CELL(n_inputs, hidden)``.

It is a module that maps inputs (batch, steps, n_inputs) and a state, or None, to hidden activity
(batch, steps, hidden) and the state after the last step: a tensor (layers, batch, hidden) or a tuple of such.
"""

from importlib import import_module

import torch


def build_cell(name: str, n_inputs: int, hidden: int) -> torch.nn.Module:
    """The cell of one file of this folder."""
    cell: torch.nn.Module = import_module(f"{__name__}.{name}").CELL(n_inputs, hidden)
    return cell
