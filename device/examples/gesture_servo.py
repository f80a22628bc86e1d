"""A servo that points left for the ring and right for the wing. Servo on pin 15."""

from machine import I2C, PWM, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.servo import Servo

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
servo = Servo(PWM(Pin(15)), {"ring": 0, "wing": 180})
pipeline = tinysense.Pipeline(driver, model, [servo])
pipeline.run()
