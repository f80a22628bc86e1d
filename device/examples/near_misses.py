"""Keeps the windows that the model was not sure of: pull and label them, then train again."""

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.near_misses import NearMisses
from tinysense.outputs.serial import Serial

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=25000, range_g=4)
keeper = NearMisses("near", low=100, high=160)
pipeline = tinysense.Pipeline(driver, model, [Serial(), keeper])
pipeline.run()
