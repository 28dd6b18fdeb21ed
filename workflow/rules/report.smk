"""Figures of each recording, and the page."""
