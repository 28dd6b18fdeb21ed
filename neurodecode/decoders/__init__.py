"""Stimulus and behaviour from spikes, one family per file."""
