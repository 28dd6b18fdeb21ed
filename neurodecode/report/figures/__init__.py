"""The figures of a session, one idea to a file; each file's ``draw`` takes the results and returns a ``Drawn``."""
