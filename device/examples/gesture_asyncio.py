"""Gestures beside something else: a heartbeat on the LED of pin 25."""

import asyncio

from machine import I2C, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
pipeline = tinysense.Pipeline(driver, model, [print])


async def heartbeat(pin):
    level = 0
    while True:
        level = 1 - level
        pin.value(level)
        await asyncio.sleep(0.5)


async def main():
    beat = asyncio.create_task(heartbeat(Pin(25, Pin.OUT)))
    await pipeline.run_async()
    beat.cancel()


asyncio.run(main())
