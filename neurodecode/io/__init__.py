"""Readers and writers of recordings: the only importers of neo and pynwb."""
