"""Containers of recordings and binned trials, and the way from one to the other."""
