"""A light that shows the ring for a second. MPU6050 on pins 4 and 5, LED on 25."""

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.led import Led

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [Led(Pin(25, Pin.OUT), "ring", on_ms=1000)])
pipeline.run()
