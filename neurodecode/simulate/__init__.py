"""Populations whose true conditional intensity is known."""
