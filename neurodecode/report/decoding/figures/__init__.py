"""Figures of decoded classes, signals and values, one a file."""
