"""Drivers: raw int16 frames at a rate.

A driver is an object with

    rate_mhz    nominal frames per 1000 seconds (25000 is 25 Hz)
    measured_mhz  true rate by the board's clock, 0 while it is not known
    channels    int16 numbers per frame
    axes        their names, a tuple; optional: the model's names, in its order
    units       one of tinysense.recording.UNITS; a tuple, one a channel, where
                they differ
    full_scale  what the raw count 32768 would be, in units; a tuple likewise
    scale       full_scale / 32768: units per count
    dropped     frames lost since the driver was made; grows in the read_into()
                that returns the first frames after the loss
    errors      transfers that failed since then
    done        True once no frame will ever come again

    read_into(buf) -> frames read, 0 if none waits; never blocks, never
        allocates. buf is a bytearray; frames are interleaved int16 in the
        machine's byte order, at most len(buf) // (2 * channels) of them.
    pause_ms, most  where what waits is held long enough: how long nobody need
                ask, and frames that one read gives at most; a read of fewer
                has left nothing
    stamp(n, out, at) where it knows times: device time of the first of the n
        frames just read, 8 bytes of little-endian microseconds
    close()

Drivers of chips are built from tinysense.sensing: those with a FIFO on
sensing.fifo.Fifo, polled ones on sensing.polled.Polled. These are context
managers too, and asyncio waits with ``await driver.wait()``.

One file per driver here, with OPTIONS (rows as in tinysense.config) and
``build(options, sensor)``, which fills in from the model's sensor what the
options leave open.
"""


def make(name: str, options: dict, sensor: "Sensor | None" = None) -> "Driver":
    """The driver a config names: module tinysense.drivers.<name>, its options checked."""
    from ..config import choose

    module, checked = choose("drivers", name, options)
    return module.build(checked, sensor)
