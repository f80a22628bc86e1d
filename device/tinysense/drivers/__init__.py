"""Drivers: raw int16 frames at a rate.

A driver is an object with

    rate_mhz    frames per 1000 seconds (25000 is 25 Hz)
    channels    int16 numbers per frame
    axes        their names, a tuple; optional: the model's names, in its order
    units       one of tinysense.recording.UNITS
    full_scale  what the raw count 32768 would be, in units
    scale       full_scale / 32768: units per count
    dropped     frames lost since the driver was made; grows in the read_into()
                that returns the first frames after the loss
    errors      transfers that failed since then
    done        True once no frame will ever come again

    read_into(buf) -> frames read, 0 if none waits; never blocks, never
        allocates. buf is a bytearray; frames are interleaved int16 in the
        machine's byte order, at most len(buf) // (2 * channels) of them.
    close()

One file per driver here, with OPTIONS (rows as in tinysense.config) and
``build(options, sensor)``, which fills in from the model's sensor what the
options leave open.
"""


def make(name: str, options: dict, sensor: "Sensor | None" = None) -> "Driver":
    """The driver a config names: module tinysense.drivers.<name>, its options checked."""
    from ..config import choose

    module, checked = choose("drivers", name, options)
    return module.build(checked, sensor)
