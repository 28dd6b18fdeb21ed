"""Random seeds by name: adding a session or a model changes no other's numbers."""

from zlib import crc32

import numpy as np


def seed_sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The seed of one thing, from the run's ``seed`` and what the thing is called (session, model, fold).

    Never from a position in a list: the order of a configuration must not matter.
    """
    words = [n if isinstance(n, int) else crc32(n.encode()) for n in names]
    return np.random.SeedSequence([seed, *words])
