"""Every error the package raises on purpose.

NeurodecodeError
├── ConfigError        a configuration that cannot work
├── DataError          a recording, table or result file that breaks a rule
└── ConvergenceError   an optimiser that stopped before its tolerance
"""


class NeurodecodeError(Exception):
    """Base class: catch this to catch all of ours."""


class ConfigError(NeurodecodeError):
    """The configuration asks for something that does not exist or cannot work."""


class DataError(NeurodecodeError):
    """A recording, table or result file breaks a rule of what should hold it."""


class ConvergenceError(NeurodecodeError):
    """An optimiser stopped before its tolerance was met."""
