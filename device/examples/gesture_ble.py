"""Every gesture as a Bluetooth notification: look for "bracelet" with any BLE scanner."""

import bluetooth
from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.ble import Ble

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [Ble(bluetooth.BLE(), "bracelet")])
pipeline.run()
