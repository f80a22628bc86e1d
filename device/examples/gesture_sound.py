"""A tone for the ring, a clip for the wing: 16-bit mono WAV, over I2S (MAX98357A or the like)."""

from machine import I2C, I2S, Pin

import tinysense
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.outputs.sound import Sound

model = tinysense.load("gesture.tsm")
driver = MPU6050(I2C(0, sda=Pin(4), scl=Pin(5), freq=400000), rate_mhz=model.sensor.rate_mhz)
i2s = I2S(0, sck=Pin(16), ws=Pin(17), sd=Pin(18), mode=I2S.TX, bits=16, format=I2S.MONO,
          rate=16000, ibuf=4096)
sound = Sound(i2s, {"ring": 880, "wing": "wing.wav"}, rate=16000)
pipeline = tinysense.Pipeline(driver, model, [sound])
pipeline.run()
