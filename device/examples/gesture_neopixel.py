"""Green for the ring, orange for the wing, brighter the surer. Eight NeoPixels on pin 22."""

from machine import I2C, Pin
from neopixel import NeoPixel

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.neopixel import Neopixel

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
lights = Neopixel(NeoPixel(Pin(22), 8), {"ring": "#00ff40", "wing": "#ff8000"}, on_ms=1000)
pipeline = tinysense.Pipeline(driver, model, [lights])
pipeline.run()
