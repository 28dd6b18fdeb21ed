"""Figures of the dynamics of networks, one a file."""
