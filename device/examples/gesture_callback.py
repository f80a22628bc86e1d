"""Your own function for every gesture: here it counts them."""

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050

counts = {}


def count(event):
    counts[event.label] = counts.get(event.label, 0) + 1
    print("%6d ms  %s, score %d of 255: %s" % (event.time, event.label, event.score, counts))


model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [count])
pipeline.run()
