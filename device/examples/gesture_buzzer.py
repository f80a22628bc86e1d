"""A tone for each gesture, worn upside down. Buzzer on pin 14."""

from machine import I2C, PWM, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.buzzer import Buzzer

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
buzzer = Buzzer(PWM(Pin(14)), {"ring": 880, "wing": 440})
pipeline = tinysense.Pipeline(driver, model, [buzzer], config={"axes": "x -y -z"})
pipeline.run()
