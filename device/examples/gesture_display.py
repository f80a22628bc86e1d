"""The gesture's name and a bar for every score on an SSD1306, on the sensor's own bus."""

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.ssd1306 import Ssd1306

model = tinysense.load("gesture.tsm")
i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=400000)
driver = MPU6050(i2c, rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [Ssd1306(i2c, height=64)])
pipeline.run()
