"""Every gesture as one line of JSON on the serial port. MPU6050 on pins 4 and 5."""

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.serial import Serial

model = tinysense.load("gesture.tsm")
model.info()
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [Serial()])
pipeline.run()
