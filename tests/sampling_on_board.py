"""Counts what a frame costs on its way from a chip's FIFO to the window, on an emulated board.

Runs there (see sampling.py), not under pytest. The bus does nothing: what a transfer
would bring lies in the driver's own buffers from the start.
"""

import json
import struct
import time

import emulated

from tinysense.drivers.lsm6dsox import LSM6DSOX
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.features import Features, Sensor
from tinysense.window import Window

RATE_MHZ = 416000
WARM, BATCHES = 40, 64  # the true rate is known after 256 frames
_ID = {0x0F: 0x6C, 0x75: 0x68}  # WHO_AM_I of both
_RAW = 16  # kind of the feature block, device/core/blocks.def


class Nobody:
    """A bus on which everything is zero, but for identities."""

    def readfrom_mem_into(self, address, register, buf):
        buf[0] = _ID.get(register, 0)

    def writeto_mem(self, address, register, data):
        pass


class Silent:
    """A bus that leaves everything as it is."""

    def readfrom_mem_into(self, address, register, buf):
        pass

    def writeto_mem(self, address, register, data):
        pass


def mpu6050(gyro):
    driver = MPU6050(Nobody(), RATE_MHZ, 4, gyro)
    size = driver.watermark * driver._stride
    driver._count[0], driver._count[1] = size >> 8, size & 0xFF
    return driver


def lsm6dsox(gyro):
    driver = LSM6DSOX(Nobody(), RATE_MHZ, 4, gyro)
    tags = (1, 2) if gyro else (2,)
    raw, words = driver._bursts[driver.watermark], driver.watermark * len(tags)
    for word in range(words):
        raw[7 * word] = tags[word % len(tags)] << 3 | (word // len(tags) & 3) << 1
    driver._status[0], driver._status[1] = words & 0xFF, words >> 8
    assert driver.watermark % 4 == 0  # the tags count on
    return driver


def features_for(driver):
    """Of a model whose range is a little smaller, so that frames are scaled."""
    channels, length = driver.channels, 64
    scales = [value * 0.99 for value in
              (driver.full_scale if channels > 3 else (driver.full_scale,) * 3)]
    sensor = Sensor({"units": list(driver.units) if channels > 3 else driver.units,
                     "channels": list(driver.axes), "rate_mhz": driver.rate_mhz,
                     "full_scale": scales})
    block = struct.pack("<HHi5i", _RAW, 7, 0, 0, 1, 0, 1 << 30, -7)
    features = Features(struct.pack("<HHHHII", channels, length, 32, 1, length * channels,
                                    2 * channels * length + 4 * channels) + block, sensor)
    features.connect(driver)
    return features, Window(length, 32, channels)


def drain(driver, features, window, chunk):
    """As Pipeline does; frames that came."""
    frames = 0
    n = driver.read_into(chunk)
    while n:
        features.adapt(chunk, n)
        window.push(chunk, n)
        frames += n
        n = driver.read_into(chunk)
    return frames


def cost(driver):
    """Instructions per frame."""
    driver.bus._i2c = Silent()
    features, window = features_for(driver)
    chunk = bytearray(2 * driver.channels * 32)
    spent = frames = 0
    period_us = driver.watermark * 1150000000 // driver.rate_mhz  # surely due then
    due = time.ticks_us()
    for batch in range(WARM + BATCHES):
        due = time.ticks_add(due, period_us)
        time.sleep_us(max(0, time.ticks_diff(due, time.ticks_us())))
        before = emulated.instructions()
        n = drain(driver, features, window, chunk)
        if batch >= WARM:
            spent += emulated.instructions() - before
            frames += n
    assert frames == BATCHES * driver.watermark and driver.dropped == driver.errors == 0
    assert driver.measured_mhz > 0
    return (spent + frames // 2) // frames


def run():
    """Prints {"<chip>_<axes>": instructions per frame} as JSON."""
    told = {}
    for name, make in (("mpu6050", mpu6050), ("lsm6dsox", lsm6dsox)):
        for gyro in (False, True):
            told[f"{name}_{6 if gyro else 3}"] = cost(make(gyro))
    print(json.dumps(told))
