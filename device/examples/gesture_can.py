"""Every gesture as a CAN frame, through an SLCAN adapter on UART 1; and as a CSV line on UART 0."""

from machine import I2C, UART, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.can import Can, Slcan
from tinysense.outputs.uart import Uart

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
can = Can(Slcan(UART(1, 115200, tx=Pin(8), rx=Pin(9), txbuf=256), bitrate=500000))
log = Uart(UART(0, 115200, txbuf=256), form="csv")
pipeline = tinysense.Pipeline(driver, model, [can, log])
pipeline.run()
