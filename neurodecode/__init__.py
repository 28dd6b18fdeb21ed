"""neurodecode: what a single trial holds that its average lost.

Import the rooms by name (``neurodecode.data.trials``, ``neurodecode.models``); this file loads nothing.
"""

__version__ = "0.1.0"
