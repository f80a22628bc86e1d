"""Register-level emulators of chips, on a fake I2C bus. They run on CPython and MicroPython."""
