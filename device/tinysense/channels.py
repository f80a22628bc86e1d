"""Units, full scale and scale: one value where all channels share it, else a tuple, one each."""

_LETTERS = {"g": "", "m/s2": "", "deg/s": "g", "rad/s": "g", "uT": "m"}


def each(value: "object", channels: int) -> tuple:
    """One value for each channel, whether ``value`` is one for all or one for each."""
    if isinstance(value, (tuple, list)):
        if len(value) != channels:
            raise ValueError("expected %d values, one a channel, got %d" % (channels, len(value)))
        return tuple(value)
    return (value,) * channels


def joined(values: tuple) -> "object":
    """The one value that all channels share, else the tuple."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def per_count(full_scale: "float | tuple") -> "float | tuple":
    """The scale, units per count, of a full scale, units at the count 32768."""
    if isinstance(full_scale, tuple):
        return tuple([value / 32768 for value in full_scale])
    return full_scale / 32768


def names(channels: int, units: "str | tuple" = "none") -> tuple:
    """Names for channels that nobody named: x y z, gx gy gz, mx my mz by their units, else c0 .."""
    if channels <= 3:
        return ("x", "y", "z")[:channels]
    units, found = each(units, channels), []
    for i in range(0, channels - 2, 3):
        if len(set(units[i : i + 3])) == 1 and units[i] in _LETTERS:
            found += [_LETTERS[units[i]] + axis for axis in "xyz"]
    if len(found) != channels or len(set(found)) != channels:
        found = ["c%d" % i for i in range(channels)]
    return tuple(found)


def spoken(value: "object") -> str:
    """For messages: "g", or "g g g deg/s deg/s deg/s"."""
    if isinstance(value, (tuple, list)):
        return " ".join([str(one) for one in value])
    return str(value)
