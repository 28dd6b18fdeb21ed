"""Split, fit, predict, score, compare."""
