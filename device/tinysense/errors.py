"""Every error tinysense raises on purpose, each with one line that says what to do.

    ValueError
        TinysenseError          what was read or asked for does not fit
            ModelError          .tsm file damaged, of another version, not for this sensor
            ConfigError         config key unknown, of another type, out of range
            RecordingError      .tsr file damaged or of another version
    OSError
        DriverError             a chip that does not answer or is another one
    ImportError
        NativeError             the compiled part is missing or of another build

MicroPython gives a class one built-in base only; that is why DriverError and
NativeError stand beside TinysenseError instead of under it.
"""


class TinysenseError(ValueError):
    """What was read or asked for does not fit."""


class ModelError(TinysenseError):
    """A model file that cannot be used here."""


class ConfigError(TinysenseError):
    """A config with a key that is unknown, of another type or out of range."""


class RecordingError(TinysenseError):
    """A recording that is damaged or of another version."""


class DriverError(OSError):
    """A chip that does not answer, or is another one. ``errno`` as in OSError."""


class NativeError(ImportError):
    """``_tinysense`` is missing or was built for something else."""
