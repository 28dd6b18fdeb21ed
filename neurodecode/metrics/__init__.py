"""How good predictions and samples are."""
