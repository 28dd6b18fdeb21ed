"""Recurrent cells, one per file: what a family's file exports as ``CELL`` is a ``Cell``, see ``_base.py``.

Nothing here imports torch before a cell is built.
"""

from importlib import import_module

from neurodecode.nn.cells._base import Cell, diagnostics_of_cells, extended, taken_from

__all__ = ["Cell", "cell_type", "diagnostics_of_cells", "extended", "taken_from"]


def cell_type(name: str) -> type[Cell]:
    """The hyper-parameters of the cell of one file of this folder."""
    found: type[Cell] = import_module(f"{__name__}.{name}").CELL
    return found
